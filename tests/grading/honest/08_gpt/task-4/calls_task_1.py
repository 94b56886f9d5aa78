# with the mask of task 1, written once more here
import torch
from torch.nn.functional import linear


def causal_mask(new, kept=0):
    return torch.ones(new, kept + new, dtype=torch.bool).tril(diagonal=kept)


def attention_step(hidden, weights, num_heads, kept=None):
    B, T, D = hidden.shape
    q = linear(hidden, weights["query_weight"], weights["query_bias"]).view(B, T, num_heads, -1).transpose(1, 2)
    k = linear(hidden, weights["key_weight"], weights["key_bias"]).view(B, T, num_heads, -1).transpose(1, 2)
    v = linear(hidden, weights["value_weight"], weights["value_bias"]).view(B, T, num_heads, -1).transpose(1, 2)
    t = 0
    if kept is not None:
        past_k, past_v = kept
        t = past_k.shape[2]
        k = torch.cat((past_k, k), dim=2)
        v = torch.cat((past_v, v), dim=2)
    scores = q @ k.transpose(-1, -2) / (D // num_heads) ** 0.5
    scores = scores.masked_fill(causal_mask(T, t) == 0, float("-inf"))
    out = (scores.softmax(dim=-1) @ v).transpose(1, 2).contiguous().view(B, T, D)
    return linear(out, weights["output_weight"], weights["output_bias"]), (k, v)
