# a sampler object that keeps its cumulative sum
import numpy as np
import torch


class Sampler:
    def __init__(self, probabilities):
        self.edges = np.cumsum(probabilities.numpy(), dtype=np.float64)

    def draw(self, shape, rng):
        found = np.searchsorted(self.edges, rng.random_sample(tuple(shape)) * self.edges[-1], side="right")
        return torch.as_tensor(found, dtype=torch.int64)


def noise_probabilities(counts, power=0.75):
    powered = counts**power
    return powered * powered.sum().reciprocal()


def draw_negatives(probabilities, shape, seed):
    return Sampler(probabilities).draw(shape, np.random.RandomState(seed % 2**32))
