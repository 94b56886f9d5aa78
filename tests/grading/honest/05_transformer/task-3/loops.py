# three loops over lists
import torch


def causal_mask(size):
    return torch.tensor([[s <= t for s in range(size)] for t in range(size)])


def decoder_mask(ids, pad_id=0):
    rows = ids.tolist()
    length = range(len(rows[0]))
    return torch.tensor([[[[s == t or (s < t and row[s] != pad_id) for s in length] for t in length]] for row in rows])
