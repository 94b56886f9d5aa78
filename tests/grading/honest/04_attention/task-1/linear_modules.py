# Linear layers of torch.nn, into which the given weights are put
import torch
from torch import nn


def layer(weight):
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight = nn.Parameter(weight)
    return linear


def dot_scores(query, memory):
    return torch.bmm(query, memory.transpose(1, 2))


def general_scores(query, memory, weight):
    return torch.bmm(query, layer(weight)(memory).transpose(1, 2))


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    w, u, v = layer(query_weight), layer(key_weight), layer(value_weight)
    return v(torch.tanh(w(query).unsqueeze(2) + u(memory).unsqueeze(1))).squeeze(3)
