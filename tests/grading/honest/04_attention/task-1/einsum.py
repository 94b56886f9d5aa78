# einsum throughout, one letter for each axis
import torch


def dot_scores(query, memory):
    return torch.einsum("bth,bsh->bts", query, memory)


def general_scores(query, memory, weight):
    return torch.einsum("bti,ij,bsj->bts", query, weight, memory)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    asked = torch.einsum("bth,ah->bta", query, query_weight)
    offered = torch.einsum("bsh,ah->bsa", memory, key_weight)
    return torch.einsum("btsa,a->bts", torch.tanh(asked[:, :, None] + offered[:, None]), value_weight[0])
