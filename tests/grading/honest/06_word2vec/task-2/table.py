# the table of the program: each word as many slots as it deserves, and a random slot
import torch

SLOTS = 1_000_000


def noise_probabilities(counts, power=0.75):
    weights = counts.to(torch.float64).pow(power)
    return weights.div(weights.sum())


def draw_negatives(probabilities, shape, seed):
    slots = (probabilities.double() * SLOTS).round().long()
    table = torch.arange(len(slots)).repeat_interleave(slots)
    return table[torch.randint(len(table), shape, generator=torch.Generator().manual_seed(seed))]
