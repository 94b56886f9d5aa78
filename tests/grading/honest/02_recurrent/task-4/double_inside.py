# double precision inside; fresh leaves for every chunk; a state from numbers, which has no past
import torch


def truncated_bptt(weights, inputs, targets, span):
    w = {name: value.double() for name, value in weights.items()}
    inputs, targets = inputs.double(), targets.double()
    gradient = torch.zeros_like(w["weight_hh"])
    total = 0.0
    numbers = [[0.0] * len(gradient)] * len(inputs)
    for x, y in zip(inputs.split(span, 1), targets.split(span, 1), strict=True):
        u = w["weight_hh"].clone().requires_grad_()
        h = torch.tensor(numbers, dtype=torch.float64)
        for t in range(x.size(1)):
            h = torch.tanh(x[:, t] @ w["weight_ih"].T + w["bias_ih"] + h @ u.T + w["bias_hh"])
            error = torch.linalg.vector_norm(h @ w["output_weight"].T + w["output_bias"] - y[:, t]) ** 2
            error.backward(retain_graph=True)
            total += error.item()
        gradient += u.grad
        numbers = h.tolist()
    return total, gradient.float()
