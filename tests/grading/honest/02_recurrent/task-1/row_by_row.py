# one row of the batch after the other, matrix times vector
import torch


def rnn_step(weights, inputs, hidden):
    w, u, b, d = (weights[k] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    rows = []
    for x, h in zip(inputs, hidden, strict=True):
        rows.append(torch.tanh(w @ x + b + u @ h + d))
    return torch.stack(rows)


def gru_step(weights, inputs, hidden):
    w, u, b, d = (weights[k] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    rows = []
    for x, h in zip(inputs, hidden, strict=True):
        xr, xz, xn = (w @ x + b).chunk(3)
        hr, hz, hn = (u @ h + d).chunk(3)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        rows.append((1 - z) * torch.tanh(xn + r * hn) + z * h)
    return torch.stack(rows)


def lstm_step(weights, inputs, hidden, memory):
    w, u, b, d = (weights[k] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    states, memories = torch.empty_like(hidden), torch.empty_like(memory)
    for k in range(len(inputs)):
        i, f, g, o = (w @ inputs[k] + b + u @ hidden[k] + d).chunk(4)
        memories[k] = torch.sigmoid(f) * memory[k] + torch.sigmoid(i) * torch.tanh(g)
        states[k] = torch.sigmoid(o) * torch.tanh(memories[k])
    return states, memories
