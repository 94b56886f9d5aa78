# torch's own layer, given the weights; its mask says where not to look
import torch
from torch import nn


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    layer = nn.MultiheadAttention(hidden.size(-1), num_heads, batch_first=True)
    names = ("query", "key", "value")
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([weights[f"{name}_weight"] for name in names]))
        layer.in_proj_bias.copy_(torch.cat([weights[f"{name}_bias"] for name in names]))
        layer.out_proj.weight.copy_(weights["output_weight"])
        layer.out_proj.bias.copy_(weights["output_bias"])
    if mask is not None:
        mask = ~mask.expand(len(hidden), num_heads, hidden.size(1), memory.size(1)).flatten(0, 1)
    return layer(hidden, memory, memory, attn_mask=mask, need_weights=False)[0]
