# double precision inside, single precision back, exponentials of what is left below the largest score
import torch


def scaled_dot_product_attention(query, key, value, mask=None):
    q, k, v = query.double(), key.double(), value.double()
    scores = q @ k.transpose(-1, -2) * k.size(-1) ** -0.5
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(~mask, -torch.inf)
    parts = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = parts / parts.sum(-1, keepdim=True)
    return (weights @ v).float(), weights.float()
