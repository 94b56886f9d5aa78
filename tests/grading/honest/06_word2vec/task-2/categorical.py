# a distribution object, inside a fork of the global generator
import torch
from torch.distributions import Categorical


def noise_probabilities(counts, power=0.75):
    return Categorical(logits=power * counts.log()).probs


def draw_negatives(probabilities, shape, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Categorical(probabilities).sample(shape)
