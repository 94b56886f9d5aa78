# numpy in double precision
import numpy as np
import torch


def layer(x, w, heads, mask, norm_first):
    line = lambda y, n: y @ w[n + "_weight"].T + w[n + "_bias"]
    norm = lambda y, n: (
        (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-5) * w[n + "_norm_weight"]
        + w[n + "_norm_bias"]
    )

    def attend(y):
        q, k, v = (np.stack(np.split(line(y, n), heads, -1), 1) for n in ("query", "key", "value"))
        scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        parts = np.exp(scores - scores.max(-1, keepdims=True))
        found = parts / parts.sum(-1, keepdims=True) @ v
        return line(np.concatenate([found[:, h] for h in range(heads)], -1), "output")

    think = lambda y: line(np.maximum(line(y, "inner"), 0), "outer")
    for part, name in ((attend, "attention"), (think, "feed_forward")):
        x = x + part(norm(x, name)) if norm_first else norm(x + part(x), name)
    return x


def to_numpy(weights):
    return {name: value.detach().numpy().astype(float) for name, value in weights.items()}


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    mask = None if mask is None else mask.numpy()
    return torch.from_numpy(layer(hidden.numpy().astype(float), to_numpy(weights), num_heads, mask, norm_first)).float()


def order_sensitivity(hidden, positions, weights, num_heads, order):
    x, p, o, w = hidden.numpy().astype(float), positions.numpy(), order.numpy(), to_numpy(weights)
    return np.abs(layer(x[:, o] + p, w, num_heads, None, False) - layer(x + p, w, num_heads, None, False)[:, o]).max()
