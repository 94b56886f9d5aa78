# lists and math.exp only
import math

import torch


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def look_back(query, memory, mask, weight):
    w, contexts, weights = weight.tolist(), [], []
    for steps, places, allowed in zip(query.tolist(), memory.tolist(), mask.tolist()):
        keys = [[dot(row, m) for row in w] for m in places]
        contexts.append([])
        weights.append([])
        for q in steps:
            scores = [dot(q, key) for key in keys]
            top = max(s for s, a in zip(scores, allowed) if a)
            parts = [math.exp(s - top) if a else 0.0 for s, a in zip(scores, allowed)]
            share = [part / math.fsum(parts) for part in parts]
            weights[-1].append(share)
            contexts[-1].append([dot(share, column) for column in zip(*places)])
    return torch.tensor(contexts), torch.tensor(weights)
