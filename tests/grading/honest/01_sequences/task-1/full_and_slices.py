# a full tensor, written row by row; the mask from lengths; the mean by masked_fill
import torch


def pad(sequences, pad_id=0):
    lengths = torch.tensor([len(s) for s in sequences])
    ids = torch.full((len(sequences), int(lengths.max())), pad_id)
    for row, s in enumerate(sequences):
        ids[row, : len(s)] = torch.tensor(s)
    return ids, torch.arange(ids.shape[1]).unsqueeze(0) < lengths.unsqueeze(1)


def masked_mean(values, mask):
    return values.masked_fill(~mask, 0).sum(dim=-1) / mask.sum(dim=-1)
