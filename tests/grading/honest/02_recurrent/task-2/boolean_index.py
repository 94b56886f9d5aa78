# only the real rows take a step: boolean indexing on a copy of the state
import torch


def read(weights, inputs, mask):
    hidden = torch.zeros(inputs.size(0), weights["weight_hh"].size(0))
    outputs = torch.empty(inputs.size(0), inputs.size(1), hidden.size(1))
    for t in range(inputs.size(1)):
        real = mask[:, t]
        if real.any():
            x, h = inputs[real, t], hidden[real]
            hidden = hidden.clone()
            hidden[real] = torch.tanh(
                x @ weights["weight_ih"].T + weights["bias_ih"] + h @ weights["weight_hh"].T + weights["bias_hh"]
            )
        outputs[:, t] = hidden
    return outputs, hidden
