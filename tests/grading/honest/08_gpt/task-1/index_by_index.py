# every field by itself
import torch


def causal_mask(new, kept=0):
    mask = torch.zeros(new, kept + new, dtype=torch.bool)
    for i in range(new):
        for j in range(kept + new):
            if j <= i + kept:
                mask[i, j] = True
    return mask
