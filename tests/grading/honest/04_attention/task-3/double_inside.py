# double precision inside, single precision back
import torch


def look_back(query, memory, mask, weight):
    q, m, w = query.double(), memory.double(), weight.double()
    scores = q @ (m @ w.T).mT
    scores[(~mask)[:, None, :].expand_as(scores)] = -1e30
    weights = (scores - scores.logsumexp(-1, keepdim=True)).exp()
    return (weights @ m).float(), weights.float()
