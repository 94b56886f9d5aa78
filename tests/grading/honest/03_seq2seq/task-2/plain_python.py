# plain Python floats and loops, tensors only at the ends
import math

import torch


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def affine(matrix, vector, bias):
    return [sum(m * v for m, v in zip(row, vector)) + b for row, b in zip(matrix, bias)]


def decoder_step(weights, token, hidden):
    w = {name: value.tolist() for name, value in weights.items()}
    all_logits, all_states = [], []
    for t, h in zip(token.tolist(), hidden.tolist()):
        size = len(h)
        x = affine(w["weight_ih"], w["embedding"][t], w["bias_ih"])
        g = affine(w["weight_hh"], h, w["bias_hh"])
        new = []
        for i in range(size):
            r = sigmoid(x[i] + g[i])
            z = sigmoid(x[size + i] + g[size + i])
            n = math.tanh(x[2 * size + i] + r * g[2 * size + i])
            new.append((1 - z) * n + z * h[i])
        all_states.append(new)
        all_logits.append(affine(w["output_weight"], new, w["output_bias"]))
    return torch.tensor(all_logits, device=hidden.device), torch.tensor(all_states, device=hidden.device)
