# double precision throughout, and returned so
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    w = {name: tensor.to(torch.float64) for name, tensor in weights.items()}
    x, m = hidden.to(torch.float64), memory.to(torch.float64)
    batch, steps, width = x.shape
    q = (x @ w["query_weight"].T + w["query_bias"]).reshape(batch, steps, num_heads, -1).permute(0, 2, 1, 3)
    k = (m @ w["key_weight"].T + w["key_bias"]).reshape(batch, m.size(1), num_heads, -1).permute(0, 2, 3, 1)
    v = (m @ w["value_weight"].T + w["value_bias"]).reshape(batch, m.size(1), num_heads, -1).permute(0, 2, 1, 3)
    scores = q @ k / (width / num_heads) ** 0.5
    if mask is not None:
        scores = scores + (~mask).double().mul(-1e30)
    found = (scores.softmax(-1) @ v).permute(0, 2, 1, 3).reshape(batch, steps, width)
    return found @ w["output_weight"].T + w["output_bias"]
