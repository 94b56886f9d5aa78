# the two orders go through the layer as one batch
import torch
from torch import nn
from torch.nn import functional as F


def attention(x, w, heads, mask):
    stacked = torch.cat([w["query_weight"], w["key_weight"], w["value_weight"]])
    bias = torch.cat([w["query_bias"], w["key_bias"], w["value_bias"]])
    q, k, v = F.linear(x, stacked, bias).view(*x.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
    scores = q.matmul(k.transpose(-1, -2)).mul(q.size(-1) ** -0.5)
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(mask.logical_not(), float("-inf"))
    return F.linear(scores.softmax(-1).matmul(v).permute(0, 2, 1, 3).flatten(2), w["output_weight"], w["output_bias"])


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    w = weights

    def norm(x, name):
        layer = nn.LayerNorm(x.size(-1))
        layer.weight, layer.bias = nn.Parameter(w[name + "_weight"]), nn.Parameter(w[name + "_bias"])
        return layer(x)

    x = hidden
    y = attention(norm(x, "attention_norm") if norm_first else x, w, num_heads, mask) + x
    y = y if norm_first else norm(y, "attention_norm")
    z = norm(y, "feed_forward_norm") if norm_first else y
    z = F.linear(F.linear(z, w["inner_weight"], w["inner_bias"]).relu(), w["outer_weight"], w["outer_bias"]) + y
    return z if norm_first else norm(z, "feed_forward_norm")


def order_sensitivity(hidden, positions, weights, num_heads, order):
    both = torch.cat([hidden, hidden[:, order]]) + positions
    before, after = encoder_layer(both, weights, num_heads).chunk(2)
    return torch.dist(after, before[:, order], p=float("inf")).item()
