# torch's own layer, given the weights
import torch
from torch import nn


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    batch, length, width = hidden.shape
    layer = nn.TransformerEncoderLayer(
        width, num_heads, len(weights["inner_bias"]), dropout=0.0, batch_first=True, norm_first=norm_first
    )
    state = {
        "self_attn.in_proj_weight": torch.cat([weights[f"{n}_weight"] for n in ("query", "key", "value")]),
        "self_attn.in_proj_bias": torch.cat([weights[f"{n}_bias"] for n in ("query", "key", "value")]),
    }
    names = {"output": "self_attn.out_proj", "inner": "linear1", "outer": "linear2"}
    names |= {"attention_norm": "norm1", "feed_forward_norm": "norm2"}
    for mine, theirs in names.items():
        for kind in ("weight", "bias"):
            state[f"{theirs}.{kind}"] = weights[f"{mine}_{kind}"]
    layer.load_state_dict(state)
    if mask is not None:
        mask = ~mask.expand(batch, num_heads, length, length).flatten(0, 1)
    return layer(hidden, src_mask=mask)


def order_sensitivity(hidden, positions, weights, num_heads, order):
    with torch.no_grad():
        before = encoder_layer(hidden + positions, weights, num_heads)
        after = encoder_layer(hidden.index_select(1, order) + positions, weights, num_heads)
    return float((after - before.index_select(1, order)).abs().amax())
