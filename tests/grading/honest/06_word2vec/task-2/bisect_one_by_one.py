# one id at a time, by bisection
import random
from bisect import bisect_right
from itertools import accumulate
from math import prod

import torch


def noise_probabilities(counts, power=0.75):
    total = torch.stack([c**power for c in counts]).sum()
    return torch.stack([c**power / total for c in counts])


def draw_negatives(probabilities, shape, seed):
    rng = random.Random(f"negatives {seed}")
    edges = list(accumulate(probabilities.tolist()))
    ids = [min(bisect_right(edges, rng.random() * edges[-1]), len(edges) - 1) for _ in range(prod(shape))]
    return torch.tensor(ids, dtype=torch.int64).view(shape)
