# what is not above the diagonal
import torch


def causal_mask(new, kept=0):
    forbidden = torch.triu(torch.ones(new, new + kept), diagonal=kept + 1)
    return forbidden == 0
