# numpy's generator
import numpy as np
import torch


def noise_probabilities(counts, power=0.75):
    weights = np.power(counts.numpy().astype(float), power)
    return torch.from_numpy(weights / weights.sum()).float()


def draw_negatives(probabilities, shape, seed):
    p = probabilities.numpy().astype(np.float64)
    return torch.from_numpy(np.random.default_rng(seed).choice(len(p), size=tuple(shape), p=p / p.sum()))
