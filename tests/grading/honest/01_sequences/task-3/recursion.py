# recursion over the sequence, and one function mapped over the rows
import torch


def pairs(before, rest):
    if not rest:
        return [(before, 2)]
    return [(before, rest[0]), *pairs(rest[0], rest[1:])]


def count_bigrams(sequences, vocab_size):
    table = torch.zeros(vocab_size, vocab_size, dtype=torch.long)
    for sequence in sequences:
        for pair in pairs(1, sequence):
            table[pair] = table[pair] + 1
    return table


def smooth(counts, k):
    def one(row):
        V = row.shape[0] - 2
        total = row[2:].sum() + k * V
        p = (row[2:] + k) / total.clamp(min=1e-300)
        p = torch.where(total > 0, p, torch.full_like(p, 1 / V))
        return torch.nn.functional.pad(p.log(), (2, 0), value=float("-inf"))

    return torch.vmap(one)(counts.double())
