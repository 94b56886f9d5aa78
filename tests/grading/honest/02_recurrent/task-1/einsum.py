# einsum, with the gates on an axis of their own
import torch


def _blocks(weights, inputs, hidden, gates):
    size = hidden.shape[-1]
    w = weights["weight_ih"].reshape(gates, size, -1)
    u = weights["weight_hh"].reshape(gates, size, size)
    x = torch.einsum("ghd,bd->gbh", w, inputs) + weights["bias_ih"].reshape(gates, 1, size)
    h = torch.einsum("ghk,bk->gbh", u, hidden) + weights["bias_hh"].reshape(gates, 1, size)
    return x, h


def rnn_step(weights, inputs, hidden):
    x, h = _blocks(weights, inputs, hidden, 1)
    return torch.tanh(x + h)[0]


def gru_step(weights, inputs, hidden):
    x, h = _blocks(weights, inputs, hidden, 3)
    r, z = torch.sigmoid(x[:2] + h[:2])
    return (1 - z) * torch.tanh(x[2] + r * h[2]) + z * hidden


def lstm_step(weights, inputs, hidden, memory):
    i, f, g, o = sum(_blocks(weights, inputs, hidden, 4))
    c = torch.einsum("bh,bh->bh", f.sigmoid(), memory) + torch.einsum("bh,bh->bh", i.sigmoid(), g.tanh())
    return o.sigmoid() * c.tanh(), c
