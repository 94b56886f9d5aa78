# matrices of ones and zeros gather and scatter
import torch
from torch.nn import functional as F


def negative_sampling_loss(centre, context, negative):
    seen = torch.linalg.vecdot(centre, context)
    drawn = torch.bmm(negative, centre[:, :, None])[:, :, 0]
    return (
        (1 + torch.exp(-seen.abs())).log()
        + F.relu(-seen)
        + ((1 + torch.exp(-drawn.abs())).log() + F.relu(drawn)).sum(1)
    )


def skip_gram_gradients(centres, contexts, pairs, negatives):
    size = len(centres)
    C, U, N = (F.one_hot(ids, size).to(centres.dtype) for ids in (pairs[:, 0], pairs[:, 1], negatives))
    v, u, n = C @ centres, U @ contexts, N @ contexts
    e, f = (v * u).sum(1, True).sigmoid() - 1, (n * v[:, None]).sum(2, True).sigmoid()
    return C.T @ (e * u + (f * n).sum(1)), U.T @ (e * v) + (N.mT @ (f * v[:, None])).sum(0)
