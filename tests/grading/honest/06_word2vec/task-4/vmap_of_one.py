# written for one question, mapped over all of them; 32-bit ids
import torch


def nearest_words(vectors, ids, k):
    d = vectors / vectors.norm(dim=1, keepdim=True)
    places = torch.arange(len(d))

    def one(i):
        scores = torch.where(places == i, -torch.inf, d @ d[i])
        return scores.argsort(descending=True, stable=True)[:k]

    return torch.stack([one(i) for i in ids]).int()


def solve_analogies(vectors, questions):
    d = vectors / vectors.norm(dim=1, keepdim=True)
    places = torch.arange(len(d))

    def one(q):
        wanted = (d[q] * torch.tensor([[-1.0], [1.0], [1.0]])).sum(0)
        return torch.where((places[:, None] == q).any(1), -torch.inf, d @ wanted).argmax()

    return torch.vmap(one)(questions).int()
