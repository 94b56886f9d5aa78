# one row longer than the one above
import torch


def causal_mask(new, kept=0):
    rows = []
    for seen in range(kept + 1, kept + new + 1):
        rows.append([True] * seen + [False] * (kept + new - seen))
    return torch.tensor(rows)
