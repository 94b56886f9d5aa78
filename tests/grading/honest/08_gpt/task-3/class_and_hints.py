# three filters as functions in a list
from collections.abc import Callable

import torch
from torch import Tensor


def heat(temperature: float) -> Callable[[Tensor], Tensor]:
    return lambda z: z.div(temperature)


def best(k: int) -> Callable[[Tensor], Tensor]:
    def keep(z: Tensor) -> Tensor:
        limit = torch.topk(z, min(k, z.size(-1)), dim=-1).values.min(dim=-1, keepdim=True).values
        return z.masked_fill(z.lt(limit), -torch.inf)

    return keep


def nucleus(p: float) -> Callable[[Tensor], Tensor]:
    def keep(z: Tensor) -> Tensor:
        values, places = z.softmax(-1).sort(-1, descending=True)
        stays = values.cumsum(-1) - values < p
        stays[..., 0] = True
        back = torch.zeros_like(stays)
        back.scatter_(-1, places, stays)
        return z.masked_fill(back.logical_not(), -torch.inf)

    return keep


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    filters = [heat(temperature)]
    if top_k:
        filters.append(best(top_k))
    if top_p:
        filters.append(nucleus(top_p))
    for one in filters:
        logits = one(logits)
    return logits
