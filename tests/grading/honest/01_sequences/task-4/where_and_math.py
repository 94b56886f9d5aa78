# torch.where for the sum, math.exp for the end
import math

import torch


def perplexity(log_probs, mask):
    total = torch.where(mask, log_probs, 0.0).sum().item()
    return math.exp(-total / mask.sum().item())
