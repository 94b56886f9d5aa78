# a class with type hints, made for one length
import torch
from torch import LongTensor, Tensor


class Masks:
    def __init__(self, size: int):
        self.causal = torch.ones(size, size, dtype=torch.bool).tril()
        self.itself = torch.eye(size, dtype=torch.bool)

    def decoder(self, real: Tensor) -> Tensor:
        return torch.maximum(torch.minimum(self.causal.int(), real.int()), self.itself.int()) > 0


def causal_mask(size: int) -> Tensor:
    return Masks(size).causal


def decoder_mask(ids: LongTensor, pad_id: int = 0) -> Tensor:
    return Masks(ids.size(-1)).decoder(ids.ne(pad_id)[:, None, None])
