# what is forbidden, turned round
import torch


def causal_mask(size):
    return torch.logical_not(torch.triu(torch.ones(size, size, dtype=torch.bool), diagonal=1))


def decoder_mask(ids, pad_id=0):
    forbidden = ~causal_mask(ids.size(1)) | (ids == pad_id).view(len(ids), 1, 1, -1)
    forbidden = forbidden.clone()
    forbidden.diagonal(dim1=-2, dim2=-1).fill_(False)
    return ~forbidden
