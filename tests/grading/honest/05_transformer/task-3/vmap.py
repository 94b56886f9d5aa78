# written for one row, then mapped over the batch
import torch


def causal_mask(size):
    return torch.full((size, size), True).tril()


def decoder_mask(ids, pad_id=0):
    def one(real):
        return torch.where(torch.eye(len(real), dtype=torch.bool), True, causal_mask(len(real)) & real)

    return torch.vmap(one)(ids != pad_id).unsqueeze(1)
