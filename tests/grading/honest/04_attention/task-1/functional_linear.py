# torch.nn.functional.linear knows the layout (out, in) by itself
import torch
import torch.nn.functional as F


def dot_scores(query, memory):
    return torch.matmul(query, memory.permute(0, 2, 1))


def general_scores(query, memory, weight):
    return dot_scores(query, F.linear(memory, weight))


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    summed = F.linear(query, query_weight).unsqueeze(-2) + F.linear(memory, key_weight).unsqueeze(-3)
    return F.linear(torch.tanh(summed), value_weight)[..., 0]
