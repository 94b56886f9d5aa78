# lists and math.exp, by recursion over the leading axes
import math

import torch


def one(z, temperature, top_k, top_p):
    z = [x / temperature for x in z]
    if top_k is not None:
        limit = sorted(z)[-min(top_k, len(z))]
        z = [x if x >= limit else -math.inf for x in z]
    if top_p is not None:
        top = max(z)
        weights = [math.exp(x - top) for x in z]
        total, out = 0.0, set(range(len(z)))
        for token in sorted(range(len(z)), key=lambda i: -weights[i]):
            if total >= top_p and top_p < 1:
                break
            out.discard(token)
            total += weights[token] / math.fsum(weights)
        z = [-math.inf if i in out else x for i, x in enumerate(z)]
    return z


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if logits.dim() == 1:
        return torch.tensor(one(logits.tolist(), temperature, top_k, top_p))
    return torch.stack([filter_logits(part, temperature, top_k, top_p) for part in logits])
