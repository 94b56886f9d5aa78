# lists, enumerate and max; a float at the end
from math import log

import torch


def alignment_path(weights, target_lengths):
    def best(row):
        return max(range(len(row)), key=row.__getitem__)

    table = zip(weights.tolist(), target_lengths.tolist())
    return torch.tensor([[best(row) if t < n else -1 for t, row in enumerate(rows)] for rows, n in table])


def attention_entropy(weights, target_lengths):
    total = 0.0
    for rows, n in zip(weights.tolist(), target_lengths.tolist()):
        for row in rows[:n]:
            total += sum(w * log(1 / w) for w in row if w)
    return total / int(target_lengths.sum())
