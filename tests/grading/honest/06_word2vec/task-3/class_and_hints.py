# a class that keeps the errors, and type hints
import torch
from torch import Tensor, nn


class Errors:
    def __init__(self, v: Tensor, u: Tensor, n: Tensor):
        self.v, self.u, self.n = v, u, n
        self.seen = nn.Sigmoid()((u * v).sum(dim=1)) - 1
        self.drawn = nn.Sigmoid()((n * v.unsqueeze(1)).sum(dim=2))

    def centre(self) -> Tensor:
        return self.seen[:, None] * self.u + (self.drawn[:, :, None] * self.n).sum(dim=1)


def negative_sampling_loss(centre: Tensor, context: Tensor, negative: Tensor) -> Tensor:
    log = nn.LogSigmoid()
    return -(log((context * centre).sum(dim=1)) + log((negative * centre.unsqueeze(1)).sum(dim=2).neg()).sum(dim=1))


def skip_gram_gradients(centres: Tensor, contexts: Tensor, pairs: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    errors = Errors(centres[pairs[:, 0]], contexts[pairs[:, 1]], contexts[negatives])
    first = torch.zeros(centres.shape, dtype=centres.dtype, device=centres.device)
    second = torch.zeros(contexts.shape, dtype=contexts.dtype, device=contexts.device)
    first.index_add_(0, pairs[:, 0], errors.centre())
    second.index_add_(0, pairs[:, 1], errors.seen[:, None] * errors.v)
    for k in range(negatives.size(1)):
        second.index_add_(0, negatives[:, k], errors.drawn[:, k, None] * errors.v)
    return first, second
