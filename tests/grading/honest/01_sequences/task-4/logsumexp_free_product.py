# N-th roots are multiplied, which no number of tokens can make too small
import torch


def perplexity(log_probs, mask):
    real = log_probs.double()[mask]
    return torch.exp(-real / real.numel()).prod().item()
