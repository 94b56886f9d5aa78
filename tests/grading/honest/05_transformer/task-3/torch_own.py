# the mask that torch's Transformer makes for itself, 0 where it may look
import torch
from torch import nn


def causal_mask(size):
    return nn.Transformer.generate_square_subsequent_mask(size) == 0


def decoder_mask(ids, pad_id=0):
    square = causal_mask(ids.size(1))
    keep = (ids != pad_id).unsqueeze(1).expand(-1, ids.size(1), -1)
    return torch.stack([square & row | torch.eye(ids.size(1), dtype=torch.bool) for row in keep]).unsqueeze(1)
