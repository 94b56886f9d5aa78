# all ids in one row are scattered into the mask; the mean by scatter_add over row numbers
import torch


def pad(sequences, pad_id=0):
    lengths = torch.tensor(list(map(len, sequences)))
    mask = torch.arange(lengths.max()) < lengths[:, None]
    ids = torch.full(mask.shape, pad_id)
    ids[mask] = torch.tensor([i for s in sequences for i in s])
    return ids, mask


def masked_mean(values, mask):
    rows = mask.nonzero()[:, 0]
    sums = torch.zeros(len(values)).scatter_add(0, rows, values[mask])
    return sums / torch.bincount(rows, minlength=len(values))
