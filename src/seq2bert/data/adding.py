"""The adding problem: a long-range dependency with nothing else in the way.

A sequence of T pairs (value, marker). The values are drawn evenly from [0, 1). Two markers are 1, one in each half of
the sequence, all others 0. Asked for is the sum of the two marked values: whoever answers has to keep a number apart
from dozens of others that look like it. Hochreiter and Schmidhuber (1997) posed it; this form is that of Arjovsky et
al. (2016). Who always answers 1, the mean, has a squared error of 1/6.
"""

from functools import cache

import torch
from torch import Tensor

LENGTH = 50  # T in the course
HELD_OUT = 1_000  # sequences
HELD_OUT_SEED = 1997


def draw(count: int, generator: torch.Generator, length: int = LENGTH) -> tuple[Tensor, Tensor]:
    """Random sequences and their sums.

    Args:
        count: how many, B.
        generator: the source of the draw.
        length: pairs in a sequence, T, at least 2.

    Returns:
        Inputs (B, T, 2), value and marker of each pair, and the sums (B,).

    Raises:
        ValueError: the length leaves one half without a place for its marker.

    >>> inputs, sums = draw(2, torch.Generator().manual_seed(0), length=4)
    >>> inputs[..., 1].tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]
    >>> bool((inputs.prod(-1).sum(-1) == sums).all())
    True
    """
    if length < 2:
        raise ValueError(f"length must be at least 2, got {length}")
    half = length // 2
    values = torch.rand(count, length, generator=generator)  # (B, T)
    first = torch.randint(half, (count, 1), generator=generator)  # (B, 1)
    second = torch.randint(half, length, (count, 1), generator=generator)  # (B, 1)
    places = torch.cat([first, second], 1)  # (B, 2)
    markers = torch.zeros_like(values).scatter(1, places, 1.0)  # (B, T)
    return torch.stack([values, markers], -1), values.gather(1, places).sum(1)


@cache
def held_out() -> tuple[Tensor, Tensor]:
    """The sequences on which every model of the course is measured, the same on every computer."""
    return draw(HELD_OUT, torch.Generator().manual_seed(HELD_OUT_SEED))
