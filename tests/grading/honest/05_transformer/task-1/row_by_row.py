# one query at a time, and of the keys only those that it may look at
import torch
from tqdm import tqdm


def scaled_dot_product_attention(query, key, value, mask=None):
    *front, steps, width = query.shape
    places = key.size(-2)
    allowed = torch.ones(*front, steps, places, dtype=torch.bool)
    if mask is not None:
        allowed = allowed & mask
    allowed = allowed.reshape(-1, steps, places)
    queries, keys, values = (x.reshape(-1, *x.shape[-2:]) for x in (query, key, value))
    weights = torch.zeros(len(queries), steps, places)
    for b in tqdm(range(len(queries))):
        for t in range(steps):
            kept = allowed[b, t]
            weights[b, t, kept] = (keys[b, kept] @ queries[b, t] / width**0.5).softmax(0)
    mixed = weights @ values
    return mixed.reshape(*front, steps, -1), weights.reshape(*front, steps, places)
