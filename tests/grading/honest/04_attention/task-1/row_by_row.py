# one source of the batch at a time, with a progress bar and a note on stderr
import sys

import torch
from tqdm import tqdm


def _each(function, query, memory):
    print("scoring", len(query), "sources", file=sys.stderr)
    return torch.stack([function(q, m) for q, m in tqdm(zip(query, memory), total=len(query))])


def dot_scores(query, memory):
    return _each(lambda q, m: torch.inner(q, m), query, memory)


def general_scores(query, memory, weight):
    return _each(lambda q, m: torch.linalg.multi_dot([q, weight, m.T]), query, memory)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    def one(q, m):
        grid = torch.tanh((query_weight @ q.T).T.unsqueeze(1) + (key_weight @ m.T).T)  # (T, S, H)
        return torch.tensordot(grid, value_weight[0], dims=1)

    return _each(one, query, memory)
