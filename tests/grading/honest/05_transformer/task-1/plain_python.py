# lists and math.exp only, for one matrix; leading axes by recursion
import math

import torch


def one(query, key, value, allowed):
    mixed, weights = [], []
    for q, row in zip(query.tolist(), allowed.tolist()):
        scores = [math.fsum(a * b for a, b in zip(q, k)) / math.sqrt(len(q)) for k in key.tolist()]
        top = max(s for s, a in zip(scores, row) if a)
        parts = [math.exp(s - top) if a else 0.0 for s, a in zip(scores, row)]
        weights.append([part / math.fsum(parts) for part in parts])
        mixed.append([math.fsum(w * x for w, x in zip(weights[-1], column)) for column in zip(*value.tolist())])
    return torch.tensor(mixed), torch.tensor(weights)


def scaled_dot_product_attention(query, key, value, mask=None):
    allowed = torch.ones(*query.shape[:-1], key.size(-2), dtype=torch.bool)
    if mask is not None:
        allowed = torch.logical_and(allowed, mask)
    if query.dim() == 2:
        return one(query, key, value, allowed)
    pairs = [scaled_dot_product_attention(*parts) for parts in zip(query, key, value, allowed)]
    return torch.stack([mixed for mixed, _ in pairs]), torch.stack([weights for _, weights in pairs])
