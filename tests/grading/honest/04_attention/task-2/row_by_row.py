# each row apart: the allowed scores are picked, and their softmax is put back in its places
import torch


def masked_softmax(scores, mask):
    scores, mask = torch.broadcast_tensors(scores, mask)
    rows = []
    for row, allowed in zip(scores.reshape(-1, scores.size(-1)), mask.reshape(-1, mask.size(-1))):
        weights = torch.zeros_like(row)
        weights[allowed] = row[allowed].softmax(0)
        rows.append(weights)
    return torch.stack(rows).view(scores.shape)
