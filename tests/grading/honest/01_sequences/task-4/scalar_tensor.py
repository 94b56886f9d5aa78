# the answer is a tensor without dimensions
import torch


def perplexity(log_probs, mask):
    return (-log_probs[mask].mean()).exp()
