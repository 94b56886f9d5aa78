# torch's functions: linear, layer_norm, its fused attention
import torch
from torch.nn import functional as F


def attend(x, weights, num_heads, mask):
    line = lambda y, name: F.linear(y, weights[f"{name}_weight"], weights[f"{name}_bias"])
    query, key, value = (line(x, n).unflatten(-1, (num_heads, -1)).transpose(1, 2) for n in ("query", "key", "value"))
    return line(F.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).flatten(2), "output")


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    def norm(x, name):
        return F.layer_norm(x, (x.size(-1),), weights[f"{name}_norm_weight"], weights[f"{name}_norm_bias"])

    def think(x):
        inner = F.relu(F.linear(x, weights["inner_weight"], weights["inner_bias"]))
        return F.linear(inner, weights["outer_weight"], weights["outer_bias"])

    if norm_first:
        hidden = hidden + attend(norm(hidden, "attention"), weights, num_heads, mask)
        return hidden + think(norm(hidden, "feed_forward"))
    hidden = norm(hidden + attend(hidden, weights, num_heads, mask), "attention")
    return norm(hidden + think(hidden), "feed_forward")


def order_sensitivity(hidden, positions, weights, num_heads, order):
    before = encoder_layer(hidden + positions, weights, num_heads)[:, order]
    after = encoder_layer(hidden[:, order] + positions, weights, num_heads)
    return (after - before).abs().max().item()
