# type hints, a dataclass, keyword-only helpers, the sigmoid written as exponentials
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Gates:
    reset: Tensor
    update: Tensor
    candidate: Tensor


def sigma(x: Tensor) -> Tensor:
    return torch.reciprocal(1 + torch.exp(-x))


def split(table: Tensor, parts: int = 3) -> tuple[Tensor, ...]:
    return tuple(torch.tensor_split(table, parts, dim=-1))


def gates(x: Tensor, g: Tensor) -> Gates:
    (x_r, x_z, x_n), (g_r, g_z, g_n) = split(x), split(g)
    reset = sigma(x_r + g_r)
    return Gates(reset=reset, update=sigma(x_z + g_z), candidate=torch.tanh(x_n + torch.mul(reset, g_n)))


def decoder_step(weights: dict[str, Tensor], token: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    x: Tensor = weights["embedding"][token]
    made = gates(
        torch.matmul(x, weights["weight_ih"].mT) + weights["bias_ih"],
        torch.matmul(hidden, weights["weight_hh"].mT) + weights["bias_hh"],
    )
    state = made.candidate - made.update * made.candidate + made.update * hidden
    return torch.matmul(state, weights["output_weight"].mT) + weights["output_bias"], state
