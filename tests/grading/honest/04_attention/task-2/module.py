# torch's Softmax module inside a module of the learner's own
import torch
from torch import Tensor, nn


class MaskedSoftmax(nn.Module):
    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.softmax = nn.Softmax(dim)
        self.register_buffer("never", torch.tensor(float("-inf")))

    def forward(self, scores: Tensor, mask: Tensor) -> Tensor:
        return self.softmax(torch.where(mask, scores, self.never))


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    return MaskedSoftmax()(scores, mask)
