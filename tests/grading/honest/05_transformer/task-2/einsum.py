# weights as (H, D/H, D), and einsum for everything
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    def project(x, name):
        weight = weights[f"{name}_weight"].unflatten(0, (num_heads, -1))
        bias = weights[f"{name}_bias"].unflatten(0, (num_heads, -1))
        return torch.einsum("btd,hkd->bhtk", x, weight) + bias[None, :, None]

    query, key, value = project(hidden, "query"), project(memory, "key"), project(memory, "value")
    scores = torch.einsum("bhtk,bhsk->bhts", query, key) * query.size(-1) ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    found = torch.einsum("bhts,bhsk->bthk", scores.softmax(-1), value)
    weight = weights["output_weight"].unflatten(1, (num_heads, -1))
    return torch.einsum("bthk,ohk->bto", found, weight) + weights["output_bias"]
