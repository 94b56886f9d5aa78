# the rows' means, weighted by how long the rows are
import torch


def perplexity(log_probs, mask):
    lengths = mask.sum(1)
    means = torch.stack([row[real].mean() for row, real in zip(log_probs, mask)])
    weights = lengths / lengths.sum()
    return torch.exp(-(means * weights).sum()).item()
