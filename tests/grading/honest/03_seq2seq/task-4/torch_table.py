# torch tensors, and tensors without dimensions as the answer
import torch


def edits(a, b):
    symbols = {symbol: number for number, symbol in enumerate([*a, *b])}
    x = torch.tensor([symbols[s] for s in a], dtype=torch.long)
    y = torch.tensor([symbols[s] for s in b], dtype=torch.long)
    differ = (x[:, None] != y[None, :]).long()
    table = torch.arange(len(a) + 1)[:, None] + torch.arange(len(b) + 1)[None, :]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            options = torch.stack(
                [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + differ[i - 1, j - 1]]
            )
            table[i, j] = options.min()
    return int(table[-1, -1])


def error_rates(hypotheses, references):
    pairs = [min((edits(m, way), -len(way)) for way in ways) for m, ways in zip(hypotheses, references)]
    e, n = torch.tensor(pairs).T
    return e.sum() / -n.sum(), (e > 0).double().mean()
