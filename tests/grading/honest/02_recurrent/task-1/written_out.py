# every gate on a line of its own, blocks cut out by slices
import torch


def rnn_step(weights, inputs, hidden):
    return torch.tanh(
        inputs @ weights["weight_ih"].T + weights["bias_ih"] + hidden @ weights["weight_hh"].T + weights["bias_hh"]
    )


def gru_step(weights, inputs, hidden):
    n = hidden.shape[1]
    wr, wz, wn = weights["weight_ih"][:n], weights["weight_ih"][n : 2 * n], weights["weight_ih"][2 * n :]
    ur, uz, un = weights["weight_hh"][:n], weights["weight_hh"][n : 2 * n], weights["weight_hh"][2 * n :]
    br, bz, bn = weights["bias_ih"][:n], weights["bias_ih"][n : 2 * n], weights["bias_ih"][2 * n :]
    dr, dz, dn = weights["bias_hh"][:n], weights["bias_hh"][n : 2 * n], weights["bias_hh"][2 * n :]
    r = torch.sigmoid(inputs @ wr.T + br + hidden @ ur.T + dr)
    z = torch.sigmoid(inputs @ wz.T + bz + hidden @ uz.T + dz)
    candidate = torch.tanh(inputs @ wn.T + bn + r * (hidden @ un.T + dn))
    return (1 - z) * candidate + z * hidden


def lstm_step(weights, inputs, hidden, memory):
    n = hidden.shape[1]
    total = inputs @ weights["weight_ih"].T + weights["bias_ih"] + hidden @ weights["weight_hh"].T + weights["bias_hh"]
    i = torch.sigmoid(total[:, 0 * n : 1 * n])
    f = torch.sigmoid(total[:, 1 * n : 2 * n])
    g = torch.tanh(total[:, 2 * n : 3 * n])
    o = torch.sigmoid(total[:, 3 * n : 4 * n])
    memory = f * memory + i * g
    return o * torch.tanh(memory), memory
