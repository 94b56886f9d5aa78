# type hints everywhere, double precision inside; tanh made from a sigmoid
from typing import TypeAlias

import torch
from torch import Tensor

Weights: TypeAlias = dict[str, Tensor]


def _tanh(x: Tensor) -> Tensor:
    return 2 * torch.special.expit(2 * x) - 1


def _double(weights: Weights, *tensors: Tensor) -> tuple:
    return {name: tensor.to(torch.float64) for name, tensor in weights.items()}, *(t.double() for t in tensors)


def _sums(w: Weights, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    return x @ w["weight_ih"].mT + w["bias_ih"], h @ w["weight_hh"].mT + w["bias_hh"]


def rnn_step(weights: Weights, inputs: Tensor, hidden: Tensor) -> Tensor:
    w, x, h = _double(weights, inputs, hidden)
    return _tanh(sum(_sums(w, x, h))).to(hidden.dtype)


def gru_step(weights: Weights, inputs: Tensor, hidden: Tensor) -> Tensor:
    w, x, h = _double(weights, inputs, hidden)
    (a_r, a_z, a_n), (b_r, b_z, b_n) = (part.hsplit(3) for part in _sums(w, x, h))
    z = torch.special.expit(a_z + b_z)
    n = _tanh(a_n + torch.special.expit(a_r + b_r) * b_n)
    return ((1 - z) * n + z * h).to(hidden.dtype)


def lstm_step(weights: Weights, inputs: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    w, x, h, c = _double(weights, inputs, hidden, memory)
    i, f, g, o = sum(_sums(w, x, h)).hsplit(4)
    c = torch.special.expit(f) * c + torch.special.expit(i) * _tanh(g)
    return (torch.special.expit(o) * _tanh(c)).float(), c
