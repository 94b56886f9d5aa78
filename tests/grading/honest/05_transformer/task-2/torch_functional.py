# torch's function behind its layer, which wants time before batch
import torch
from torch.nn import functional as F


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    if mask is not None:
        mask = ~mask.broadcast_to(len(hidden), num_heads, hidden.size(1), memory.size(1)).reshape(
            -1, hidden.size(1), memory.size(1)
        )
    names, width = ("query", "key", "value"), hidden.size(-1)
    memory = memory.transpose(0, 1)
    found, _ = F.multi_head_attention_forward(
        hidden.transpose(0, 1),
        memory,
        memory,
        width,
        num_heads,
        torch.cat([weights[f"{n}_weight"] for n in names]),
        torch.cat([weights[f"{n}_bias"] for n in names]),
        None,
        None,
        False,
        0.0,
        weights["output_weight"],
        weights["output_bias"],
        training=False,
        need_weights=False,
        attn_mask=mask,
    )
    return found.transpose(0, 1)
