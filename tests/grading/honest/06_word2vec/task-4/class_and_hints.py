# a class that holds the directions, and type hints
import torch
from torch import Tensor


class Directions:
    def __init__(self, vectors: Tensor):
        self.rows = torch.stack([row / row.norm() for row in vectors])

    def scores(self, wanted: Tensor, forbidden: Tensor) -> Tensor:
        scores = torch.einsum("qd,vd->qv", wanted, self.rows)
        banned = (torch.arange(len(self.rows)) == forbidden[..., None]).any(1)
        return torch.where(banned, torch.tensor(-torch.inf), scores)


def nearest_words(vectors: Tensor, ids: Tensor, k: int) -> Tensor:
    space = Directions(vectors)
    return space.scores(space.rows[ids], ids[:, None]).argsort(dim=1, descending=True, stable=True).narrow(1, 0, k)


def solve_analogies(vectors: Tensor, questions: Tensor) -> Tensor:
    space = Directions(vectors)
    wanted = torch.einsum("qtd,t->qd", space.rows[questions], torch.tensor([-1.0, 1.0, 1.0]))
    return space.scores(wanted, questions).argsort(dim=1, descending=True, stable=True)[:, 0]
