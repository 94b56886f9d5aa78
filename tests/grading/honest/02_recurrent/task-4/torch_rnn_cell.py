# nn.RNNCell step by step, all of its weights ask for gradients
import torch
from torch import nn


def truncated_bptt(weights, inputs, targets, span):
    cell = nn.RNNCell(inputs.shape[2], weights["weight_hh"].shape[0])
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            parameter.copy_(weights[name])
    hidden, total = torch.zeros(inputs.shape[0], cell.hidden_size), 0.0
    chunks = zip(torch.split(inputs, span, 1), torch.split(targets, span, 1), strict=True)
    for chunk, wanted in chunks:
        loss = torch.zeros(())
        for t in range(chunk.shape[1]):
            hidden = cell(chunk[:, t], hidden)
            loss = loss + torch.dist(hidden @ weights["output_weight"].T + weights["output_bias"], wanted[:, t]) ** 2
        loss.backward()
        total += float(loss)
        hidden = hidden.detach()
    return total, cell.weight_hh.grad.clone()
