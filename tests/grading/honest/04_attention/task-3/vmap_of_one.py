# written for one step of one source, then mapped over both
import torch


def _one(q, m, allowed, weight):
    share = torch.where(allowed, m @ (q @ weight), -torch.inf).softmax(0)
    return share @ m, share


def look_back(query, memory, mask, weight):
    found = [[_one(q, m, allowed, weight) for q in steps] for steps, m, allowed in zip(query, memory, mask)]
    return tuple(torch.stack([torch.stack([pair[i] for pair in row]) for row in found]) for i in (0, 1))
