# zip_longest turns the rows round, a mark of our own stands for nothing; a list of means of lists
from itertools import zip_longest

import torch

NOTHING = object()


def pad(sequences, pad_id=0):
    columns = list(zip_longest(*sequences, fillvalue=NOTHING))
    rows = list(zip(*columns))
    ids = [[pad_id if cell is NOTHING else cell for cell in row] for row in rows]
    mask = [[cell is not NOTHING for cell in row] for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def masked_mean(values, mask):
    return torch.stack([row[keep].mean() for row, keep in zip(values, mask)])
