# double precision throughout, and returned so
import torch


def attention_step(hidden, weights, num_heads, kept=None):
    w = {name: tensor.double() for name, tensor in weights.items()}
    x = hidden.double()
    q, k, v = (
        (x @ w[f"{n}_weight"].mT + w[f"{n}_bias"]).reshape(*x.shape[:2], num_heads, -1).permute(0, 2, 1, 3)
        for n in ("query", "key", "value")
    )
    if kept:
        k, v = torch.cat([kept[0].double(), k], -2), torch.cat([kept[1].double(), v], -2)
    place = torch.arange(k.size(2))
    future = place[None, :] > place[-q.size(2) :, None]
    scores = (q @ k.mT) * q.size(-1) ** -0.5 - 1e30 * future
    found = torch.softmax(scores, -1) @ v
    return found.permute(0, 2, 1, 3).flatten(2) @ w["output_weight"].mT + w["output_bias"], (k, v)
