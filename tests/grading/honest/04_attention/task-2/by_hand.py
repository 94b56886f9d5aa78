# by hand: largest allowed score, exponentials, sum
import torch


def masked_softmax(scores, mask):
    mask = mask.expand_as(scores)
    largest = torch.where(mask, scores, -torch.inf).amax(-1, keepdim=True)
    exponentials = torch.where(mask, torch.exp(scores - largest), 0.0)
    return exponentials / exponentials.sum(-1, keepdim=True)
