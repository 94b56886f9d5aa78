# filled row by row, in place
import torch


def causal_mask(size):
    mask = torch.zeros(size, size, dtype=torch.bool)
    for t in range(size):
        mask[t, : t + 1] = True
    return mask


def decoder_mask(ids, pad_id=0):
    batch, steps = ids.shape
    mask = torch.zeros(batch, 1, steps, steps, dtype=torch.bool)
    for b in range(batch):
        for t in range(steps):
            mask[b, 0, t, :t] = ids[b, :t] != pad_id
            mask[b, 0, t, t] = True
    return mask
