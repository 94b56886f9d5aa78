# a mask of 0 and minus infinity is added
import torch


def masked_softmax(scores, mask):
    bias = torch.zeros_like(mask, dtype=scores.dtype)
    bias[~mask] = -torch.inf
    return (scores + bias).softmax(dim=-1)
