# type hints, a helper for the denominator, int32 counts
import torch
from torch import Tensor

BOS, EOS = 1, 2


def count_bigrams(sequences: list[list[int]], vocab_size: int) -> Tensor:
    table: Tensor = torch.zeros(vocab_size, vocab_size, dtype=torch.int32)
    for sequence in sequences:
        path: list[int] = [BOS, *sequence, EOS]
        for place in range(1, len(path)):
            table[path[place - 1], path[place]] += 1
    return table


def denominator(counts: Tensor, k: float) -> Tensor:
    return counts.sum(dim=1, keepdim=True) + k * (counts.size(1) - 2)


def smooth(counts: Tensor, k: float) -> Tensor:
    total: Tensor = denominator(counts, k)
    if k == 0:
        empty = (total == 0).expand_as(counts)
        counts = torch.where(empty, torch.ones_like(counts), counts)
        total = torch.where(total == 0, counts.size(1) - 2, total)
    log_probs: Tensor = ((counts + k) / total).log()
    log_probs[:, :EOS] = float("-inf")
    return log_probs
