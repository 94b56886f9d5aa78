# plain Python: lists and the math module, one number at a time
import math

import torch


def _sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _products(matrix, bias, row):
    return [sum(m * v for m, v in zip(line, row, strict=True)) + b for line, b in zip(matrix, bias, strict=True)]


def _rows(weights, inputs, *state):
    lists = {name: tensor.tolist() for name, tensor in weights.items()}
    for x, h, *rest in zip(inputs.tolist(), *(part.tolist() for part in state), strict=True):
        a = _products(lists["weight_ih"], lists["bias_ih"], x)
        b = _products(lists["weight_hh"], lists["bias_hh"], h)
        yield a, b, h, *rest


def rnn_step(weights, inputs, hidden):
    return torch.tensor(
        [[math.tanh(p + q) for p, q in zip(a, b, strict=True)] for a, b, _ in _rows(weights, inputs, hidden)]
    )


def gru_step(weights, inputs, hidden):
    size = hidden.shape[1]
    out = []
    for a, b, h in _rows(weights, inputs, hidden):
        row = []
        for j in range(size):
            r = _sigmoid(a[j] + b[j])
            z = _sigmoid(a[size + j] + b[size + j])
            n = math.tanh(a[2 * size + j] + r * b[2 * size + j])
            row.append((1 - z) * n + z * h[j])
        out.append(row)
    return torch.tensor(out)


def lstm_step(weights, inputs, hidden, memory):
    size = hidden.shape[1]
    states, memories = [], []
    for a, b, _, c in _rows(weights, inputs, hidden, memory):
        s = [p + q for p, q in zip(a, b, strict=True)]
        new = [_sigmoid(s[size + j]) * c[j] + _sigmoid(s[j]) * math.tanh(s[2 * size + j]) for j in range(size)]
        memories.append(new)
        states.append([_sigmoid(s[3 * size + j]) * math.tanh(new[j]) for j in range(size)])
    return torch.tensor(states), torch.tensor(memories)
