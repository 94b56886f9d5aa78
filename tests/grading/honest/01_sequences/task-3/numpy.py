# numpy: add.at counts, errors of division are silenced and mended
import numpy as np
import torch


def count_bigrams(sequences, vocab_size):
    table = np.zeros((vocab_size, vocab_size), dtype=np.int64)
    for s in sequences:
        row = np.array([1, *s, 2])
        np.add.at(table, (row[:-1], row[1:]), 1)
    return torch.from_numpy(table)


def smooth(counts, k):
    c = counts.numpy().astype(np.float64)
    V = c.shape[1] - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (c + k) / (c.sum(1, keepdims=True) + k * V)
        p[np.isnan(p).any(axis=1)] = 1 / V
        p[:, :2] = 0
        return torch.from_numpy(np.log(p))
