# torch's own pad_sequence, once for the ids and once for rows of ones; nanmean after nan was written over the rest
import torch
from torch.nn.utils.rnn import pad_sequence


def pad(sequences, pad_id=0):
    ids = pad_sequence([torch.tensor(s) for s in sequences], batch_first=True, padding_value=pad_id)
    mask = pad_sequence([torch.ones(len(s), dtype=torch.bool) for s in sequences], batch_first=True)
    return ids, mask


def masked_mean(values, mask):
    return values.masked_fill(~mask, float("nan")).nanmean(1)
