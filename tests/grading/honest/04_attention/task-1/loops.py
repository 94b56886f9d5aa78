# a loop over every step and every position, one number at a time
import torch


def _pairs(query, memory, score):
    batch, steps, _ = query.shape
    scores = torch.zeros(batch, steps, memory.shape[1])
    for b in range(batch):
        for t in range(steps):
            for s in range(memory.shape[1]):
                scores[b, t, s] = score(query[b, t], memory[b, s])
    return scores


def dot_scores(query, memory):
    return _pairs(query, memory, torch.dot)


def general_scores(query, memory, weight):
    return _pairs(query, memory, lambda q, m: q @ weight @ m)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    return _pairs(query, memory, lambda q, m: (value_weight @ torch.tanh(query_weight @ q + key_weight @ m)).item())
