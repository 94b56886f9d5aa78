# one loop over all steps; a chunk ends where the count says so
import torch


def truncated_bptt(weights, inputs, targets, span):
    leaf = weights["weight_hh"].detach().clone()
    leaf.requires_grad_(True)
    steps = inputs.shape[1]
    h = torch.zeros(inputs.shape[0], leaf.shape[0])
    total, loss = 0.0, 0.0
    for t in range(steps):
        h = torch.tanh(inputs[:, t] @ weights["weight_ih"].T + weights["bias_ih"] + h @ leaf.T + weights["bias_hh"])
        y = h @ weights["output_weight"].T + weights["output_bias"]
        loss = loss + ((y - targets[:, t]) ** 2).sum()
        if (t + 1) % span == 0 or t + 1 == steps:
            loss.backward()
            total += loss.item()
            loss = 0.0
            h = h.detach()
    return total, leaf.grad
