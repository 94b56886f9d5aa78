# in place, on a copy
import torch


def masked_softmax(scores, mask):
    scores = scores.clone()
    scores[~mask.expand(scores.shape)] = -float("inf")
    scores -= scores.max(-1, keepdim=True)[0]
    scores.exp_()
    scores /= scores.sum(-1, keepdim=True)
    return scores
