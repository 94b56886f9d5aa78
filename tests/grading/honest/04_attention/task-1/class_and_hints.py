# a small family of classes with type hints; the functions ask them
from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Score(ABC):
    @abstractmethod
    def __call__(self, query: Tensor, memory: Tensor) -> Tensor: ...


class Dot(Score):
    def __call__(self, query: Tensor, memory: Tensor) -> Tensor:
        return query @ memory.mT


class General(Dot):
    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def __call__(self, query: Tensor, memory: Tensor) -> Tensor:
        return super().__call__(query, memory @ self.weight.T)


class Additive(Score):
    def __init__(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        self.query, self.key, self.value = query.T, key.T, value.T

    def __call__(self, query: Tensor, memory: Tensor) -> Tensor:
        summed = torch.add((query @ self.query)[:, :, None], (memory @ self.key)[:, None])
        return (summed.tanh() @ self.value)[..., 0]


def dot_scores(query: Tensor, memory: Tensor) -> Tensor:
    return Dot()(query, memory)


def general_scores(query: Tensor, memory: Tensor, weight: Tensor) -> Tensor:
    return General(weight)(query, memory)


def additive_scores(
    query: Tensor, memory: Tensor, query_weight: Tensor, key_weight: Tensor, value_weight: Tensor
) -> Tensor:
    return Additive(query_weight, key_weight, value_weight)(query, memory)
