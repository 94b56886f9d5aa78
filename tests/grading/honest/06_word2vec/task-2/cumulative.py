# uniform numbers, looked up in the cumulative sum
import torch


def noise_probabilities(counts, power=0.75):
    return torch.nn.functional.normalize(counts.float().pow(power), p=1, dim=0)


def draw_negatives(probabilities, shape, seed):
    uniform = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    edges = probabilities.double().cumsum(0)
    return torch.searchsorted(edges / edges[-1], uniform, right=True)
