# as many rows of probabilities as rows to draw; 32-bit ids
import torch


def noise_probabilities(counts, power: float = 0.75):
    weights = torch.pow(counts.to(torch.get_default_dtype()), power)
    return weights / weights.sum(dim=0, keepdim=True)


def draw_negatives(probabilities, shape: tuple, seed: int):
    generator = torch.Generator("cpu").manual_seed(seed)
    *rows, number = shape
    many = probabilities.expand(max(1, torch.Size(rows).numel()), -1)
    drawn = torch.multinomial(many, number, replacement=True, generator=generator)
    return drawn.reshape(*rows, number).int()
