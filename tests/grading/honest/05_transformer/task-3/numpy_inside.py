# numpy
import numpy as np
import torch


def causal_mask(size):
    return torch.from_numpy(np.tri(size, dtype=bool))


def decoder_mask(ids, pad_id=0):
    steps = ids.shape[1]
    allowed = np.tri(steps, dtype=bool)[None, None] & (ids.numpy() != pad_id)[:, None, None, :]
    return torch.as_tensor(allowed | np.eye(steps, dtype=bool))
