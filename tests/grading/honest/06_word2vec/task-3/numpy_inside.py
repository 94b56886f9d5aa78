# numpy in double precision, add.at for the sums
import numpy as np
import torch


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def negative_sampling_loss(centre, context, negative):
    v, u, n = (np.asarray(x.detach(), dtype=np.float64) for x in (centre, context, negative))
    seen, drawn = (v * u).sum(-1), np.einsum("pkd,pd->pk", n, v)
    return torch.from_numpy(np.logaddexp(0, -seen) + np.logaddexp(0, drawn).sum(-1)).float()


def skip_gram_gradients(centres, contexts, pairs, negatives):
    a, b, p, k = (x.detach().cpu().numpy() for x in (centres, contexts, pairs, negatives))
    a, b = a.astype(np.float64), b.astype(np.float64)
    v, u, n = a[p[:, 0]], b[p[:, 1]], b[k]
    seen = sigmoid((v * u).sum(-1))[:, None] - 1
    drawn = sigmoid(np.einsum("pkd,pd->pk", n, v))[..., None]
    da, db = np.zeros_like(a), np.zeros_like(b)
    np.add.at(da, p[:, 0], seen * u + (drawn * n).sum(1))
    np.add.at(db, p[:, 1], seen * v)
    np.add.at(db, k, drawn * v[:, None])
    return torch.tensor(da, dtype=torch.float32), torch.tensor(db, dtype=torch.float32)
