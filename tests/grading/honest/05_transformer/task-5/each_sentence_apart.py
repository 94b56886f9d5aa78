# one sentence at a time, one head at a time
import torch
from torch.nn import functional as F


def sentence(x, w, heads, allowed, norm_first):
    def attend(y):
        found = []
        for h, own in enumerate(torch.arange(y.size(-1)).chunk(heads)):
            q, k, v = (y @ w[f"{n}_weight"][own].T + w[f"{n}_bias"][own] for n in ("query", "key", "value"))
            scores = q @ k.T / len(own) ** 0.5
            found.append(scores.masked_fill(~allowed[h], float("-inf")).softmax(1) @ v)
        return torch.hstack(found) @ w["output_weight"].T + w["output_bias"]

    def think(y):
        return torch.addmm(
            w["outer_bias"], torch.addmm(w["inner_bias"], y, w["inner_weight"].T).relu(), w["outer_weight"].T
        )

    def norm(y, name):
        return F.layer_norm(y, [y.size(-1)], w[f"{name}_norm_weight"], w[f"{name}_norm_bias"])

    if norm_first:
        x = x + attend(norm(x, "attention"))
        return x + think(norm(x, "feed_forward"))
    x = norm(x + attend(x), "attention")
    return norm(x + think(x), "feed_forward")


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    batch, length, _ = hidden.shape
    allowed = torch.ones(batch, num_heads, length, length, dtype=torch.bool)
    if mask is not None:
        allowed = allowed & mask
    return torch.stack([sentence(x, weights, num_heads, a, norm_first) for x, a in zip(hidden, allowed)])


def order_sensitivity(hidden, positions, weights, num_heads, order):
    largest = 0.0
    for x in hidden:
        before = encoder_layer((x + positions)[None], weights, num_heads)[0]
        after = encoder_layer((x[order] + positions)[None], weights, num_heads)[0]
        for place, old in enumerate(order.tolist()):
            largest = max(largest, float((after[place] - before[old]).abs().max()))
    return largest
