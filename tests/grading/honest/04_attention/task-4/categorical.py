# torch's Categorical distribution knows its entropy
import torch
from torch.distributions import Categorical


def alignment_path(weights, target_lengths):
    steps = torch.arange(weights.shape[1]).expand(weights.shape[:2])
    return Categorical(probs=weights).mode.masked_fill(steps >= target_lengths[:, None], -1)


def attention_entropy(weights, target_lengths):
    real = torch.arange(weights.shape[1]) < target_lengths[:, None]
    return Categorical(probs=weights[real]).entropy().mean()
