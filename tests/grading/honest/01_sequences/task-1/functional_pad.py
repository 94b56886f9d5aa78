# each row padded by torch.nn.functional.pad and stacked; the mean in double precision
import torch
import torch.nn.functional as F


def pad(sequences, pad_id=0):
    size = max(len(s) for s in sequences)
    ids = torch.stack([F.pad(torch.tensor(s), (0, size - len(s)), value=pad_id) for s in sequences])
    mask = torch.stack([F.pad(torch.ones(len(s)), (0, size - len(s))) for s in sequences]) > 0
    return ids, mask


def masked_mean(values, mask):
    values = values.double()
    kept = torch.where(mask, values, torch.zeros_like(values))
    return kept.sum(1) / mask.double().sum(1)
