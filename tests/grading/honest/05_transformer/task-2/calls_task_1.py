# an attention of its own inside, and the three projections in one product where that is possible
import torch


def attend(query, key, value, mask=None):
    scores = query @ key.mT / query.size(-1) ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ value


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    both = torch.cat([weights["key_weight"], weights["value_weight"]])
    key, value = (memory @ both.T + torch.cat([weights["key_bias"], weights["value_bias"]])).chunk(2, -1)
    query = hidden @ weights["query_weight"].T + weights["query_bias"]
    query, key, value = (
        x.reshape(len(x), -1, num_heads, x.size(-1) // num_heads).swapaxes(1, 2) for x in (query, key, value)
    )
    found = attend(query, key, value, mask).swapaxes(1, 2).reshape(hidden.shape)
    return found @ weights["output_weight"].T + weights["output_bias"]
