# the identity summed down its columns; diag_embed for the diagonal
import torch


def causal_mask(size):
    return torch.eye(size).cumsum(0).bool()


def decoder_mask(ids, pad_id=0):
    real = (ids != pad_id)[:, None, None]
    itself = torch.diag_embed(torch.ones_like(ids, dtype=torch.bool)).unsqueeze(1)
    return (causal_mask(ids.size(1)) * real) | itself
