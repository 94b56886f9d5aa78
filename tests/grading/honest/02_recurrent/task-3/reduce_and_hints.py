# functools.reduce, type hints, fractions of the squared norm
from collections.abc import Sequence
from functools import reduce

from torch import Tensor


def clip_gradients(gradients: Sequence[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    squared: float = reduce(lambda total, g: total + float(g.double().pow(2).sum()), gradients, 0.0)
    shrink: float = (max_norm**2 / squared) ** 0.5 if squared > max_norm**2 else 1.0
    return [g * shrink for g in gradients], squared**0.5
