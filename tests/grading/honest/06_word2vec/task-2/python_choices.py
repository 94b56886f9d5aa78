# Python's own random numbers
import random

import torch


def noise_probabilities(counts, power=0.75):
    weights = [count**power for count in counts.tolist()]
    total = sum(weights)
    return torch.tensor([weight / total for weight in weights])


def draw_negatives(probabilities, shape, seed):
    size = 1
    for number in shape:
        size *= number
    drawn = random.Random(seed).choices(range(len(probabilities)), weights=probabilities.tolist(), k=size)
    return torch.tensor(drawn).reshape(*shape)
