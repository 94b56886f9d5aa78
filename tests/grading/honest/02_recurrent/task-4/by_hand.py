# the gradient worked out by hand, without autograd
import torch


@torch.no_grad()
def truncated_bptt(weights, inputs, targets, span):
    w, u, v = weights["weight_ih"], weights["weight_hh"], weights["output_weight"]
    h = torch.zeros(inputs.size(0), u.size(0))
    before, after, errors = [], [], []
    for t in range(inputs.size(1)):
        before.append(h)
        h = torch.tanh(inputs[:, t] @ w.T + weights["bias_ih"] + h @ u.T + weights["bias_hh"])
        after.append(h)
        errors.append(h @ v.T + weights["output_bias"] - targets[:, t])
    gradient, later = torch.zeros_like(u), torch.zeros_like(h)
    for t in range(inputs.size(1) - 1, -1, -1):
        inner = (2 * errors[t] @ v + later) * (1 - after[t].square())
        gradient += inner.T @ before[t]
        later = inner @ u if t % span else torch.zeros_like(h)
    return sum((e * e).sum() for e in errors), gradient
