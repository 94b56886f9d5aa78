# row and column numbers, subtracted
import torch


def causal_mask(new, kept=0):
    rows = torch.arange(new).view(-1, 1)
    columns = torch.arange(new + kept).view(1, -1)
    return columns - rows - kept <= 0
