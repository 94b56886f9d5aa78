# double precision, and returned so
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    z = logits.double() / temperature
    if top_k is not None:
        z[z < z.topk(min(top_k, z.size(-1)), -1).values[..., [-1]]] = -torch.inf
    if top_p is not None:
        probabilities = z.softmax(-1)
        down, order = probabilities.sort(-1, descending=True)
        cut = down.cumsum(-1) - down >= top_p - 1e-9
        cut[..., 0] = False
        z[torch.zeros_like(cut).scatter(-1, order, cut)] = -torch.inf
    return z
