# the shortest way between directions is the largest cosine
import torch


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def nearest_words(vectors, ids, k):
    d = unit(vectors)
    away = (d[ids][:, None] - d[None]).square().sum(-1)
    away[range(len(ids)), ids] = torch.inf
    return away.argsort(dim=1, stable=True)[:, :k]


def solve_analogies(vectors, questions):
    d = unit(vectors)
    wanted = unit(d[questions[:, 1]] - d[questions[:, 0]] + d[questions[:, 2]])
    away = ((wanted[:, None] - d) ** 2).sum(2).round(decimals=5)
    return away.scatter(1, questions, torch.inf).argmin(1)
