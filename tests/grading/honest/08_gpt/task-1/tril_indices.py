# torch lists the fields of the triangle
import torch


def causal_mask(new, kept=0):
    mask = torch.zeros((new, new + kept), dtype=torch.bool)
    rows, columns = torch.tril_indices(new, new + kept, offset=kept)
    mask[rows, columns] = True
    return mask
