# plain Python with math.exp, and recursion over the axes
import math

import torch


def _row(scores, allowed):
    largest = max(s for s, a in zip(scores, allowed) if a)
    parts = [math.exp(s - largest) if a else 0.0 for s, a in zip(scores, allowed)]
    return [part / sum(parts) for part in parts]


def _all(scores, allowed):
    if not isinstance(scores[0], list):
        return _row(scores, allowed)
    return [_all(s, a) for s, a in zip(scores, allowed)]


def masked_softmax(scores, mask):
    return torch.tensor(_all(scores.tolist(), mask.expand(scores.shape).tolist()))
