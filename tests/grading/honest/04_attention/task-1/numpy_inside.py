# numpy inside, in double precision; tensors at the ends
import numpy as np
import torch


def _numbers(*tensors):
    return [tensor.detach().cpu().numpy().astype(np.float64) for tensor in tensors]


def dot_scores(query, memory):
    q, m = _numbers(query, memory)
    return torch.from_numpy(q @ np.swapaxes(m, 1, 2)).to(query)


def general_scores(query, memory, weight):
    q, m, w = _numbers(query, memory, weight)
    return torch.as_tensor(np.matmul(q @ w, m.transpose(0, 2, 1)), dtype=torch.float32)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    q, m, w, u, v = _numbers(query, memory, query_weight, key_weight, value_weight)
    pairs = np.tanh(np.expand_dims(q @ w.T, 2) + np.expand_dims(m @ u.T, 1))
    return torch.from_numpy((pairs * v[0]).sum(-1)).float()
