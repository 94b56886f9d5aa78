# ranks first, ids second: one whole number to sort by
import torch


def order(scores):
    _, rank = scores.unique(return_inverse=True)
    return (rank * -scores.size(-1) + torch.arange(scores.size(-1))).argsort(-1)


def nearest_words(vectors, ids, k):
    d = vectors * vectors.pow(2).sum(-1, keepdim=True).rsqrt()
    found = order(d[ids] @ d.mT)
    return torch.stack([row[row != i][:k] for row, i in zip(found, ids)])


def solve_analogies(vectors, questions):
    d = vectors * vectors.pow(2).sum(-1, keepdim=True).rsqrt()
    a, b, c = (d[column] for column in questions.T)
    found = order((b + c - a) @ d.mT)
    return torch.tensor([next(j for j in row if j not in q) for row, q in zip(found.tolist(), questions.tolist())])
