# the smallest number that a float can hold, chosen with torch.where
import torch


def masked_softmax(scores, mask):
    lowest = torch.finfo(scores.dtype).min
    return torch.nn.functional.softmax(torch.where(mask, scores, lowest), -1)
