# einsum for both products
import torch


def look_back(query, memory, mask, weight):
    scores = torch.einsum("bti,ij,bsj->bts", query, weight, memory)
    weights = torch.where(mask.unsqueeze(1), scores, float("-inf")).softmax(dim=2)
    return torch.einsum("bts,bsh->bth", weights, memory), weights
