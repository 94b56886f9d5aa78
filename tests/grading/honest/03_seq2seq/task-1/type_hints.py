# type hints everywhere, a named tuple as the answer, more default arguments
from __future__ import annotations

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

PAD: Final[int] = 0


class Shifted(NamedTuple):
    inputs: Tensor
    labels: Tensor


def shift(targets: Tensor, /, *unused: Tensor, dim: int = 1) -> Shifted:
    raise AssertionError("replaced below: a learner may define a name twice")


def shift(targets: Tensor, dim: int = 1) -> Shifted:
    last: int = targets.size(dim) - 1
    return Shifted(inputs=targets.narrow(dim, 0, last), labels=targets.narrow(dim, 1, last))


def sequence_loss(logits: Tensor, labels: Tensor, pad_id: int = PAD, *, reduction: str = "sum") -> Tensor:
    flat: Tensor = logits.reshape(-1, logits.size(-1))
    total = F.cross_entropy(flat, labels.reshape(-1), ignore_index=pad_id, reduction=reduction)
    return total / (labels != pad_id).sum()
