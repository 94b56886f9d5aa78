# the weight goes to the query's side: q . W m = (W^T q) . m
import torch


def dot_scores(query, memory):
    return (memory @ query.mT).mT


def general_scores(query, memory, weight):
    return dot_scores(query @ weight, memory)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    pairs = (memory @ key_weight.t()).unsqueeze(2) + (query @ query_weight.t()).unsqueeze(1)
    return (torch.tanh(pairs) @ value_weight.t()).squeeze(-1).transpose(1, 2)
