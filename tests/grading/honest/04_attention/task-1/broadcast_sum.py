# products of pairs by broadcasting, then a sum; no matrix product at all
import torch


def _times(rows, matrix):
    return (rows.unsqueeze(-2) * matrix).sum(-1)


def dot_scores(query, memory):
    return (query[:, :, None, :] * memory[:, None, :, :]).sum(-1)


def general_scores(query, memory, weight):
    return dot_scores(query, _times(memory, weight))


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    asked, offered = _times(query, query_weight), _times(memory, key_weight)
    return ((asked[:, :, None, :] + offered[:, None, :, :]).tanh() * value_weight.flatten()).sum(dim=-1)
