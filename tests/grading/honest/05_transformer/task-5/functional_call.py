# torch's layer called with other weights; a 0-dimensional answer in double precision
import torch
from torch import nn
from torch.func import functional_call

NAMES = {"output": "self_attn.out_proj", "inner": "linear1", "outer": "linear2", "attention_norm": "norm1"}
NAMES["feed_forward_norm"] = "norm2"


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    width, inner = hidden.size(-1), len(weights["inner_bias"])
    layer = nn.TransformerEncoderLayer(width, num_heads, inner, 0.0, batch_first=True, norm_first=norm_first)
    given = {
        f"{theirs}.{kind}": weights[f"{mine}_{kind}"] for mine, theirs in NAMES.items() for kind in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        given[f"self_attn.in_proj_{kind}"] = torch.cat([weights[f"{n}_{kind}"] for n in ("query", "key", "value")])
    if mask is not None:
        scores = torch.zeros(len(hidden), num_heads, hidden.size(1), hidden.size(1))
        mask = scores.masked_fill(~mask, float("-inf")).flatten(0, 1)
    return functional_call(layer.train(), given, (hidden, mask))


def order_sensitivity(hidden, positions, weights, num_heads, order):
    here = encoder_layer(hidden + positions, weights, num_heads)
    there = encoder_layer(torch.stack([hidden[:, i] for i in order.tolist()], 1) + positions, weights, num_heads)
    return (there - here[:, order]).abs().double().max()
