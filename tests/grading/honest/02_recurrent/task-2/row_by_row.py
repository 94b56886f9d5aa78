# one sequence after the other, one token after the other
import torch


def read(weights, inputs, mask):
    size = len(weights["weight_hh"])
    rows = []
    for sequence, real in zip(inputs, mask, strict=True):
        h = torch.zeros(size)
        states = []
        for x, is_real in zip(sequence, real.tolist(), strict=True):
            if is_real:
                h = torch.tanh(
                    weights["weight_ih"] @ x + weights["bias_ih"] + weights["weight_hh"] @ h + weights["bias_hh"]
                )
            states.append(h)
        rows.append(torch.stack(states))
    outputs = torch.stack(rows)
    return outputs, outputs[:, -1]
