# in logarithms to the end: minus the log of the sum of exponentials
import torch


def masked_softmax(scores, mask):
    allowed = scores.double().masked_fill(torch.logical_not(mask), float("-inf"))
    return torch.exp(allowed - torch.logsumexp(allowed, dim=-1, keepdim=True)).to(scores.dtype)
