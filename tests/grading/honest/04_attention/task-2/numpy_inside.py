# numpy's masked arrays
import numpy as np
import torch


def masked_softmax(scores, mask):
    values = scores.detach().numpy().astype("f8")
    table = np.ma.array(values, mask=np.broadcast_to(~mask.numpy(), values.shape))
    parts = np.ma.exp(table - table.max(axis=-1, keepdims=True))
    return torch.from_numpy((parts / parts.sum(axis=-1, keepdims=True)).filled(0.0)).float()
