# tril, and an identity for what padding sees
import torch


def causal_mask(size):
    return torch.tril(torch.ones(size, size)).bool()


def decoder_mask(ids, pad_id=0):
    real = ids.ne(pad_id).unsqueeze(1).unsqueeze(2)
    return torch.logical_or(causal_mask(ids.shape[1]) & real, torch.eye(ids.shape[1]).bool())
