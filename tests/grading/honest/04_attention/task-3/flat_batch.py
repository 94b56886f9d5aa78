# the batch as one long source: scores for all of it, and a mask that keeps each query at home
import torch


def look_back(query, memory, mask, weight):
    batch, steps, width = query.shape
    places = memory.shape[1]
    rows = memory.reshape(batch * places, width)
    scores = query.reshape(-1, width) @ (rows @ weight.T).T  # (B*T, B*S)
    home = torch.block_diag(*[torch.ones(steps, places, dtype=torch.bool)] * batch)
    scores = scores.masked_fill(~(home.bool() & mask.reshape(1, -1)), float("-inf"))
    weights = scores.softmax(-1)
    own = torch.stack([w[:, b * places : (b + 1) * places] for b, w in enumerate(weights.view(batch, steps, -1))])
    return (weights @ rows).view(batch, steps, width), own
