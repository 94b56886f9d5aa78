# all leading axes as one batch: baddbmm adds the mask as it multiplies
import torch


def scaled_dot_product_attention(query, key, value, mask=None):
    front = query.shape[:-2]
    steps, places, width = query.size(-2), key.size(-2), query.size(-1)
    q, k, v = (x.reshape(-1, *x.shape[-2:]) for x in (query, key, value))
    penalty = torch.zeros(*front, steps, places)
    if mask is not None:
        penalty = penalty.masked_fill(~mask.expand(*front, steps, places), float("-inf"))
    scores = torch.baddbmm(penalty.view(-1, steps, places), q, k.transpose(1, 2), alpha=width**-0.5)
    weights = torch.softmax(scores, 2)
    return torch.bmm(weights, v).view(*front, steps, -1), weights.view(*front, steps, places)
