# numpy; the entropy comes back as one of its numbers
import numpy as np
import torch


def _real(weights, target_lengths):
    return np.arange(weights.shape[1])[None] < np.asarray(target_lengths)[:, None]


def alignment_path(weights, target_lengths):
    return torch.from_numpy(np.where(_real(weights, target_lengths), np.argmax(weights.numpy(), -1), -1))


def attention_entropy(weights, target_lengths):
    rows = weights.numpy().astype(np.float64)[_real(weights, target_lengths)]
    logs = np.log(rows, where=rows > 0, out=np.zeros_like(rows))
    return -(rows * logs).sum(1).mean()
