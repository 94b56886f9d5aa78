# 0 times minus infinity is made 0 afterwards
import torch


def alignment_path(weights, target_lengths):
    path = torch.topk(weights, 1).indices.squeeze(2)
    for row, n in zip(path, target_lengths):
        row[n:] = -1
    return path


def attention_entropy(weights, target_lengths):
    inside = torch.zeros(weights.shape[:2])
    for row, n in zip(inside, target_lengths):
        row[:n] = 1
    return ((-weights * weights.log()).nan_to_num(0.0).sum(-1) * inside).sum() / target_lengths.sum()
