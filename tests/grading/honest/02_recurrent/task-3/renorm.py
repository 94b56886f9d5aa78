# torch.renorm, which shortens the rows of a matrix: here a matrix of one row
import torch


def clip_gradients(gradients, max_norm):
    row = torch.hstack([g.flatten() for g in gradients]).unsqueeze(0)
    short = row.renorm(p=2, dim=0, maxnorm=max_norm).squeeze(0)
    clipped, start = [], 0
    for g in gradients:
        clipped.append(short[start : start + g.numel()].reshape(g.shape))
        start += g.numel()
    return clipped, torch.linalg.matrix_norm(row)
