# a Counter of pairs; the two closed columns are put before the others
from collections import Counter
from itertools import pairwise

import torch


def count_bigrams(sequences, vocab_size):
    pairs = Counter()
    for sequence in sequences:
        pairs.update(pairwise([1, *sequence, 2]))
    table = torch.zeros(vocab_size, vocab_size, dtype=torch.long)
    for (a, b), n in pairs.items():
        table[a, b] = n
    return table


def smooth(counts, k):
    open_counts = counts[:, 2:] + torch.tensor(k, dtype=torch.float64)
    totals = open_counts.sum(1, keepdim=True)
    uniform = torch.full_like(open_counts, 1 / open_counts.size(1))
    p = torch.where(totals == 0, uniform, open_counts / totals)
    return torch.cat([torch.zeros_like(p[:, :2]), p], 1).log()
