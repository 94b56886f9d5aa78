# in double precision, entropy in bits first and nats last; the path as 32-bit numbers
import math

import torch


def alignment_path(weights, target_lengths):
    steps = torch.arange(weights.shape[1])
    return torch.stack([row.argmax(-1).masked_fill(steps >= n, -1) for row, n in zip(weights, target_lengths)]).int()


def attention_entropy(weights, target_lengths):
    bits, count = torch.zeros((), dtype=torch.float64), 0
    for row, n in zip(weights.double(), target_lengths.tolist()):
        used = row[:n][row[:n] > 0]
        bits -= (used * used.log2()).sum()
        count += n
    return bits / count * math.log(2)
