# scatter for <eos>, and type hints with a default for the device
import torch
from torch import BoolTensor, LongTensor, Tensor


def frozen_row(like: Tensor, eos_id: int) -> Tensor:
    """Log-probabilities of a hypothesis that waits: (B, K, V)."""
    index = torch.full_like(like[..., :1], eos_id, dtype=torch.long)
    return torch.zeros_like(like).sub(float("inf")).scatter(-1, index, 0.0)


def beam_step(
    scores: Tensor, log_probs: Tensor, finished: BoolTensor, eos_id: int = 2, *, largest: bool = True
) -> tuple[Tensor, LongTensor, LongTensor]:
    stays = finished.unsqueeze(-1).expand_as(log_probs)
    step = torch.where(stays, frozen_row(log_probs, eos_id), log_probs)
    totals = torch.add(step, scores.unsqueeze(-1)).flatten(start_dim=1)
    values, place = torch.topk(totals, k=scores.size(-1), dim=-1, largest=largest, sorted=True)
    size = log_probs.size(-1)
    return values, place.floor_divide(size), place.remainder(size)
