# double precision throughout, and returned so; the first output is turned back instead of the second forward
import torch
from torch.nn import functional as F


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    w, x = {name: value.double() for name, value in weights.items()}, hidden.double()
    norms = [
        lambda y, n=n: F.layer_norm(y, y.shape[-1:], w[n + "_weight"], w[n + "_bias"])
        for n in ("attention_norm", "feed_forward_norm")
    ]

    def attend(y):
        q, k, v = (F.linear(y, w[n + "_weight"], w[n + "_bias"]) for n in ("query", "key", "value"))
        q, k, v = (torch.stack(z.chunk(num_heads, -1), 1) for z in (q, k, v))
        scores = q @ k.mT / q.size(-1) ** 0.5
        scores = scores if mask is None else scores.masked_fill(~mask, -1e30)
        return F.linear(torch.cat((scores.softmax(-1) @ v).unbind(1), -1), w["output_weight"], w["output_bias"])

    def think(y):
        return F.linear(F.linear(y, w["inner_weight"], w["inner_bias"]).relu(), w["outer_weight"], w["outer_bias"])

    for norm, part in zip(norms, (attend, think)):
        x = x + part(norm(x)) if norm_first else norm(x + part(x))
    return x


def order_sensitivity(hidden, positions, weights, num_heads, order):
    back = torch.argsort(order)
    before = encoder_layer(hidden + positions, weights, num_heads)
    after = encoder_layer(hidden[:, order] + positions, weights, num_heads)[:, back]
    return (after - before).abs().max().item()
