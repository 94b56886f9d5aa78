# a class keeps one Counter for each context
from collections import Counter, defaultdict

import torch


class Bigrams:
    def __init__(self):
        self.after = defaultdict(Counter)

    def read(self, sequence):
        previous = 1
        for token in [*sequence, 2]:
            self.after[previous][token] += 1
            previous = token

    def table(self, size):
        return torch.tensor([[self.after[a][b] for b in range(size)] for a in range(size)])


class Lidstone:
    def __init__(self, k):
        self.k = k

    def __call__(self, row):
        V = len(row) - 2
        total = row.sum() + self.k * V
        p = (row + self.k) / total if total > 0 else torch.ones(len(row)) / V
        p[:2] = 0
        return p.log()


def count_bigrams(sequences, vocab_size):
    model = Bigrams()
    for sequence in sequences:
        model.read(sequence)
    return model.table(vocab_size)


def smooth(counts, k):
    return torch.stack([Lidstone(k)(row) for row in counts])
