# a class that holds an alignment, with type hints
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Alignment:
    weights: Tensor
    lengths: Tensor

    @property
    def real(self) -> Tensor:
        counting = torch.ones(self.weights.shape[:2], dtype=torch.long).cumsum(1)
        return counting <= self.lengths.unsqueeze(1)

    def path(self) -> Tensor:
        return torch.where(self.real, self.weights.argmax(-1), torch.full((), -1))

    def entropy(self) -> Tensor:
        logs = self.weights.clamp_min(1e-30).log()
        return -torch.einsum("bts,bts->bt", self.weights, logs).masked_select(self.real).mean()


def alignment_path(weights: Tensor, target_lengths: Tensor) -> Tensor:
    return Alignment(weights, target_lengths).path()


def attention_entropy(weights: Tensor, target_lengths: Tensor) -> Tensor:
    return Alignment(weights, target_lengths).entropy()
