# numpy, double precision, the gradient by hand, one chunk after the other
import numpy as np
import torch


def truncated_bptt(weights, inputs, targets, span):
    p = {name: w.numpy().astype(np.float64) for name, w in weights.items()}
    x, y = inputs.numpy().astype(np.float64), targets.numpy().astype(np.float64)
    state = np.zeros((x.shape[0], p["weight_hh"].shape[0]))
    total, gradient = 0.0, np.zeros_like(p["weight_hh"])
    for start in range(0, x.shape[1], span):
        tape = []
        for t in range(start, min(start + span, x.shape[1])):
            new = np.tanh(x[:, t] @ p["weight_ih"].T + p["bias_ih"] + state @ p["weight_hh"].T + p["bias_hh"])
            error = new @ p["output_weight"].T + p["output_bias"] - y[:, t]
            total += float((error**2).sum())
            tape.append((state, new, error))
            state = new
        flow = 0.0
        for old, new, error in reversed(tape):
            inner = (2 * error @ p["output_weight"] + flow) * (1 - new**2)
            gradient += np.einsum("bi,bj->ij", inner, old)
            flow = inner @ p["weight_hh"]
    return total, torch.tensor(gradient, dtype=torch.float32)
