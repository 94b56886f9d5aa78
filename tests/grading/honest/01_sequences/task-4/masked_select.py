# masked_select, double precision
import torch


def perplexity(log_probs, mask):
    surprise = -torch.masked_select(log_probs.to(torch.float64), mask)
    return float(surprise.mean().exp())
