# input and state side by side, times one matrix; the GRU keeps its candidate apart
import torch


def _joined(weights):
    return torch.cat([weights["weight_ih"], weights["weight_hh"]], 1), weights["bias_ih"] + weights["bias_hh"]


def rnn_step(weights, inputs, hidden):
    matrix, bias = _joined(weights)
    return torch.tanh(torch.addmm(bias, torch.cat([inputs, hidden], 1), matrix.T))


def gru_step(weights, inputs, hidden):
    matrix, bias = _joined(weights)
    size = hidden.size(1)
    gates = torch.addmm(bias[: 2 * size], torch.cat([inputs, hidden], 1), matrix[: 2 * size].T)
    r, z = gates.sigmoid().split(size, 1)
    from_input = torch.addmm(weights["bias_ih"][2 * size :], inputs, weights["weight_ih"][2 * size :].T)
    from_state = torch.addmm(weights["bias_hh"][2 * size :], hidden, weights["weight_hh"][2 * size :].T)
    n = torch.tanh(from_input + r * from_state)
    return n + z * (hidden - n)


def lstm_step(weights, inputs, hidden, memory):
    matrix, bias = _joined(weights)
    i, f, g, o = torch.addmm(bias, torch.cat([inputs, hidden], 1), matrix.T).split(hidden.size(1), 1)
    c = f.sigmoid() * memory + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c
