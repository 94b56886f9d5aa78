# softplus, and scatter_add for the sums
import torch
from torch.nn.functional import softplus


def negative_sampling_loss(centre, context, negative):
    return softplus(-(centre * context).sum(1)) + softplus((negative * centre[:, None, :]).sum(2)).sum(1)


def skip_gram_gradients(centres, contexts, pairs, negatives):
    width = centres.size(1)
    c, o = pairs.unbind(1)
    v, u, n = centres[c], contexts[o], contexts[negatives]
    e_o = torch.sigmoid((v * u).sum(1, keepdim=True)) - 1
    e_n = torch.sigmoid((n * v[:, None]).sum(2, keepdim=True))
    first, second = torch.zeros_like(centres), torch.zeros_like(contexts)
    first = first.scatter_add(0, c[:, None].expand(-1, width), e_o * u + (e_n * n).sum(1))
    second = second.scatter_add(0, o[:, None].expand(-1, width), e_o * v)
    flat = (e_n * v[:, None]).reshape(-1, width)
    return first, second.scatter_add(0, negatives.reshape(-1, 1).expand(-1, width), flat)
