# classes of the learner's own; the functions only call them
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Cell:
    weights: dict[str, Tensor]
    gates: int

    def from_input(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x @ self.weights["weight_ih"].T + self.weights["bias_ih"]).tensor_split(self.gates, -1)

    def from_state(self, h: Tensor) -> tuple[Tensor, ...]:
        return (h @ self.weights["weight_hh"].T + self.weights["bias_hh"]).tensor_split(self.gates, -1)


class RNN(Cell):
    def __call__(self, x, h):
        return torch.tanh(self.from_input(x)[0] + self.from_state(h)[0])


class GRU(Cell):
    def __call__(self, x, h):
        (xr, xz, xn), (hr, hz, hn) = self.from_input(x), self.from_state(h)
        z = torch.sigmoid(xz + hz)
        return (1 - z) * torch.tanh(xn + torch.sigmoid(xr + hr) * hn) + z * h


class LSTM(Cell):
    def __call__(self, x, h, c):
        i, f, g, o = (a + b for a, b in zip(self.from_input(x), self.from_state(h), strict=True))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


def rnn_step(weights, inputs, hidden):
    return RNN(weights, 1)(inputs, hidden)


def gru_step(weights, inputs, hidden):
    return GRU(weights, 3)(inputs, hidden)


def lstm_step(weights, inputs, hidden, memory):
    return LSTM(weights, 4)(inputs, hidden, memory)
