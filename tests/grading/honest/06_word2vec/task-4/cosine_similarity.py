# torch's cosine_similarity with broadcasting
import torch
from torch.nn.functional import cosine_similarity


def nearest_words(vectors, ids, k):
    cosines = cosine_similarity(vectors[ids][:, None], vectors[None], dim=-1)
    cosines[torch.arange(len(ids)), ids] = -torch.inf
    return cosines.sort(dim=1, descending=True, stable=True).indices[:, :k]


def solve_analogies(vectors, questions):
    unit = torch.nn.functional.normalize(vectors, dim=1)
    wanted = unit[questions[:, 1]] - unit[questions[:, 0]] + unit[questions[:, 2]]
    cosines = (wanted[:, None] * unit[None]).sum(-1)
    for row, question in zip(cosines, questions):
        row[question] = float("-inf")
    return cosines.argmax(1)
