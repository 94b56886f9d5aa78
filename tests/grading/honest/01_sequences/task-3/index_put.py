# index_put_ with accumulate; log of the numerator minus log of the denominator
import torch


def count_bigrams(sequences, vocab_size):
    table = torch.zeros((vocab_size, vocab_size), dtype=torch.int64)
    for s in sequences:
        row = torch.tensor([1, *s, 2])
        table.index_put_((row[:-1], row[1:]), torch.ones(len(row) - 1, dtype=torch.int64), accumulate=True)
    return table


def smooth(counts, k):
    V = counts.shape[1] - 2
    below = counts.sum(1, keepdim=True) + k * V
    result = torch.log(counts + float(k)) - torch.log(below.float())
    result = torch.where(below > 0, result, -torch.log(torch.tensor(float(V))))
    result[:, 0] = -torch.inf
    result[:, 1] = -torch.inf
    return result
