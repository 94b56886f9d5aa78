# the additive score as Luong writes concat: one matrix [W U] times two vectors that stand one above the other
import torch


def dot_scores(query, memory):
    return torch.baddbmm(torch.zeros(()), query, memory.mT)


def general_scores(query, memory, weight):
    return query.matmul(weight).matmul(memory.mT)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    both = torch.cat([query_weight, key_weight], dim=1)
    shape = (len(query), query.size(1), memory.size(1), query.size(2))
    pairs = torch.cat([query.unsqueeze(2).expand(shape), memory.unsqueeze(1).expand(shape)], dim=-1)
    return (torch.tanh(pairs @ both.T) @ value_weight.T).reshape(shape[:3])
