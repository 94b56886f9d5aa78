# numpy, with heads as a leading axis
import numpy as np
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    w = {name: tensor.detach().numpy().astype(np.float64) for name, tensor in weights.items()}
    x, m = hidden.detach().numpy(), memory.detach().numpy()
    line = lambda a, name: a @ w[name + "_weight"].T + w[name + "_bias"]
    q, k, v = (np.split(line(a, n), num_heads, -1) for a, n in ((x, "query"), (m, "key"), (m, "value")))
    q, k, v = np.stack(q), np.stack(k), np.stack(v)
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        shape = (len(x), num_heads, x.shape[1], m.shape[1])
        scores = np.where(np.broadcast_to(mask.numpy(), shape).transpose(1, 0, 2, 3), scores, -np.inf)
    parts = np.exp(scores - scores.max(-1, keepdims=True))
    found = np.concatenate(list(parts / parts.sum(-1, keepdims=True) @ v), -1)
    return torch.from_numpy(line(found, "output")).float()
