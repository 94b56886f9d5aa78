# no maximum needed: each weight is 1 over the sum of the ratios to it
import torch


def masked_softmax(scores, mask):
    mask = mask.expand_as(scores)
    differences = scores.unsqueeze(-2) - scores.unsqueeze(-1)  # (..., S, S): of all others to each
    ratios = torch.where(mask.unsqueeze(-2), differences.double().exp(), 0.0)
    return torch.where(mask, 1 / ratios.sum(-1), 0.0).float()
