# torch.where keeps the logarithm of 0 away; the last axis is sorted for the path
import torch


def alignment_path(weights, target_lengths):
    first = weights.argsort(dim=-1, descending=True)[:, :, 0]
    real = target_lengths[:, None].gt(torch.arange(weights.shape[1]))
    return first * real - (~real).long()


def attention_entropy(weights, target_lengths):
    safe = torch.where(weights > 0, weights, torch.ones_like(weights))
    rows = [table[:n] for table, n in zip(-(weights * safe.log()).sum(-1), target_lengths)]
    return torch.cat(rows).mean().item()
