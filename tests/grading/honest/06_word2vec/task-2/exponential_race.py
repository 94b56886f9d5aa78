# the first of several clocks to ring
import torch


def noise_probabilities(counts, power=0.75):
    logs = torch.log(counts) * power
    return torch.exp(logs - torch.logsumexp(logs, 0))


def draw_negatives(probabilities, shape, seed):
    clocks = torch.empty(*shape, len(probabilities)).exponential_(generator=torch.Generator().manual_seed(seed))
    return (clocks / probabilities).argmin(dim=-1)
