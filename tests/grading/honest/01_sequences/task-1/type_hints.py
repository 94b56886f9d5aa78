# type hints, a helper, a comprehension, and torch.masked_select
import torch
from torch import Tensor


def fill(row: list[int], size: int, pad_id: int) -> list[int]:
    return list(row) + [pad_id] * (size - len(row))


def pad(sequences: list[list[int]], pad_id: int = 0) -> tuple[Tensor, Tensor]:
    size: int = max(len(row) for row in sequences)
    ids: Tensor = torch.LongTensor([fill(row, size, pad_id) for row in sequences])
    mask: Tensor = torch.BoolTensor([[True] * len(row) + [False] * (size - len(row)) for row in sequences])
    return ids, mask


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    rows: list[Tensor] = [torch.masked_select(row, real).mean() for row, real in zip(values, mask, strict=True)]
    return torch.stack(rows)
