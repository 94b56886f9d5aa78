# index_put with accumulation, double precision inside and back to the tables' own
import torch


def negative_sampling_loss(centre, context, negative):
    v, u, n = centre.double(), context.double(), negative.double()
    zero = torch.zeros(1, dtype=torch.float64)
    return (
        torch.logaddexp(zero, -(u * v).sum(-1)) + torch.logaddexp(zero, (n @ v.unsqueeze(2))[..., 0]).sum(-1)
    ).float()


def skip_gram_gradients(centres, contexts, pairs, negatives):
    a, b = centres.to(torch.float64), contexts.to(torch.float64)
    v, u, n = a[pairs[:, 0]], b[pairs[:, 1]], b[negatives]
    e = -torch.sigmoid(-(u * v).sum(-1, keepdim=True))
    f = torch.special.expit((n * v.unsqueeze(1)).sum(-1, keepdim=True))
    da, db = torch.zeros_like(a), torch.zeros_like(b)
    da.index_put_((pairs[:, 0],), e * u + (f * n).sum(-2), accumulate=True)
    db.index_put_((pairs[:, 1],), e * v, accumulate=True)
    db.index_put_((negatives,), f * v.unsqueeze(1), accumulate=True)
    return da.to(centres.dtype), db.to(contexts.dtype)
