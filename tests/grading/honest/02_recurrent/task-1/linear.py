# F.linear for the products, methods for the activations, lerp for the blend
import torch
import torch.nn.functional as F


def _sums(weights, inputs, hidden):
    return (
        F.linear(inputs, weights["weight_ih"], weights["bias_ih"]),
        F.linear(hidden, weights["weight_hh"], weights["bias_hh"]),
    )


def rnn_step(weights, inputs, hidden):
    x, h = _sums(weights, inputs, hidden)
    return (x + h).tanh()


def gru_step(weights, inputs, hidden):
    x, h = _sums(weights, inputs, hidden)
    x, h = x.chunk(3, dim=1), h.chunk(3, dim=1)
    r, z = (x[0] + h[0]).sigmoid(), (x[1] + h[1]).sigmoid()
    return torch.lerp((x[2] + r * h[2]).tanh(), hidden, z)


def lstm_step(weights, inputs, hidden, memory):
    x, h = _sums(weights, inputs, hidden)
    i, f, g, o = (x + h).chunk(4, dim=1)
    c = torch.addcmul(f.sigmoid() * memory, i.sigmoid(), g.tanh())
    return o.sigmoid() * c.tanh(), c
