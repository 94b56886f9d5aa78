# torch.special.entr, and a mean that skips what is not a number
import torch


def alignment_path(weights, target_lengths):
    beyond = torch.arange(1, weights.size(1) + 1) > target_lengths.unsqueeze(-1)
    return weights.argmax(dim=-1).where(~beyond, torch.tensor(-1))


def attention_entropy(weights, target_lengths):
    beyond = torch.arange(1, weights.size(1) + 1) > target_lengths.unsqueeze(-1)
    return torch.special.entr(weights).sum(-1).masked_fill(beyond, torch.nan).nanmean()
