# all sequences in one long row; pairs across a border are dropped by a mask
import torch


def count_bigrams(sequences, vocab_size):
    stream = torch.tensor([i for s in sequences for i in (1, *s, 2)])
    before, after = stream[:-1], stream[1:]
    inside = after != 1
    places = (before * vocab_size + after)[inside]
    table = torch.zeros(vocab_size * vocab_size, dtype=torch.long)
    table.scatter_add_(0, places, torch.ones_like(places))
    return table.view(vocab_size, vocab_size)


def smooth(counts, k):
    writable = torch.arange(counts.size(1)) >= 2
    size = int(writable.sum())
    total = counts.sum(1) + k * size
    probs = (counts + k) / torch.where(total > 0, total, 1).unsqueeze(1)
    probs[total == 0] = 1 / size
    return probs.log().masked_fill(~writable, float("-inf"))
