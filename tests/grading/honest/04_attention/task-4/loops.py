# loops and math.log
import math

import torch


def alignment_path(weights, target_lengths):
    path = torch.full(weights.shape[:2], -1)
    for b, length in enumerate(target_lengths.tolist()):
        for t in range(length):
            path[b, t] = weights[b, t].argmax()
    return path


def attention_entropy(weights, target_lengths):
    entropies = []
    for rows, length in zip(weights.tolist(), target_lengths.tolist()):
        entropies += [-sum(w * math.log(w) for w in row if w > 0) for row in rows[:length]]
    return sum(entropies) / len(entropies)
