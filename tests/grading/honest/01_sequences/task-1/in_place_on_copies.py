# copies are changed in place: extended lists, zeroed cells
import torch


def pad(sequences, pad_id=0):
    rows = [list(s) for s in sequences]
    longest = max(len(r) for r in rows)
    mask = torch.zeros(len(rows), longest).bool()
    for i, r in enumerate(rows):
        mask[i, : len(r)] = True
        while len(r) < longest:
            r.append(pad_id)
    return torch.tensor(rows), mask


def masked_mean(values, mask):
    kept = values.clone()
    kept[~mask] = 0
    total = kept.sum(1)
    total /= mask.sum(1)
    return total
