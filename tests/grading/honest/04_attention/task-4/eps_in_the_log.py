# a tiny number inside the logarithm
import torch


def alignment_path(weights, target_lengths):
    best = weights.max(dim=2).indices
    best[torch.arange(weights.size(1)).repeat(len(best), 1) >= target_lengths.view(-1, 1)] = -1
    return best


def attention_entropy(weights, target_lengths):
    real = (torch.arange(weights.size(1)).unsqueeze(0) < target_lengths.unsqueeze(1)).float()
    entropies = -(weights * torch.log(weights + 1e-10)).sum(-1)
    return (entropies * real).sum() / real.sum()
