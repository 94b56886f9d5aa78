# written for a single query, then mapped over the others
import torch


def ask(q, keys, values, allowed):
    scores = torch.where(allowed, keys @ q / len(q) ** 0.5, -torch.inf)
    weights = scores.softmax(0)
    return weights @ values, weights


def scaled_dot_product_attention(query, key, value, mask=None):
    front = query.shape[:-2]
    allowed = torch.ones(*query.shape[:-1], key.size(-2), dtype=torch.bool)
    allowed = allowed if mask is None else allowed & mask
    q, k, v, a = (x.flatten(0, -3) for x in (query, key, value, allowed))
    over = torch.vmap(torch.vmap(ask, in_dims=(0, None, None, 0)))
    mixed, weights = over(q, k, v, a)
    return mixed.unflatten(0, front), weights.unflatten(0, front)
