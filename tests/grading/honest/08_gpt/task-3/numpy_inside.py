# numpy, row by row
import numpy as np
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    rows = (logits.detach().numpy() / temperature).reshape(-1, logits.shape[-1]).copy()
    for row in rows:
        if top_k is not None:
            row[row < np.sort(row)[::-1][:top_k][-1]] = -np.inf
        if top_p is not None:
            p = np.exp(row - row.max(), dtype=np.float64)
            p /= p.sum()
            order = np.argsort(-p)
            before = np.concatenate([[0.0], np.cumsum(p[order])[:-1]])
            row[order[before >= top_p]] = -np.inf if top_p < 1 else row[order[before >= top_p]]
    return torch.from_numpy(rows.reshape(logits.shape)).float()
