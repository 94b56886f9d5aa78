# one step of the decoder at a time, as a search would ask; a list that is stacked at the end
import torch


def dot_scores(query, memory):
    return torch.stack([torch.bmm(memory, q.unsqueeze(-1)).squeeze(-1) for q in query.unbind(1)], dim=1)


def general_scores(query, memory, weight):
    keys = memory @ weight.transpose(0, 1)
    return torch.stack([(keys * q.unsqueeze(1)).sum(2) for q in query.unbind(1)], dim=1)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    keys = memory @ key_weight.transpose(0, 1)
    steps = []
    for t in range(query.size(1)):
        asked = query[:, t] @ query_weight.transpose(0, 1)
        steps.append((torch.tanh(keys + asked.unsqueeze(1)) * value_weight).sum(-1))
    return torch.stack(steps, 1)
