# one-hot rows multiplied: the table is a sum of outer products; float counts
import torch
from torch.nn.functional import one_hot


def count_bigrams(sequences, vocab_size):
    table = torch.zeros(vocab_size, vocab_size)
    for s in sequences:
        row = one_hot(torch.tensor([1, *s, 2]), vocab_size).float()
        table += row[:-1].T @ row[1:]
    return table


def smooth(counts, k):
    V = counts.shape[-1] - 2
    counts = counts.to(torch.float64)
    total = counts.sum(-1, keepdim=True) + k * V
    p = ((counts + k) / total).nan_to_num(nan=1 / V)
    p[:, :2] = 0.0
    return p.log()
