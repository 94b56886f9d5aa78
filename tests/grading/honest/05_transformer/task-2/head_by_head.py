# one head after the other, its rows cut out of the weights, and their stretches put side by side
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    width = hidden.size(-1) // num_heads
    if mask is not None:
        mask = mask.expand(len(hidden), num_heads, hidden.size(1), memory.size(1))
    found = []
    for head in range(num_heads):
        own = slice(head * width, (head + 1) * width)
        query, key, value = (
            x @ weights[f"{name}_weight"][own].T + weights[f"{name}_bias"][own]
            for x, name in ((hidden, "query"), (memory, "key"), (memory, "value"))
        )
        scores = query @ key.transpose(1, 2) / width**0.5
        if mask is not None:
            scores = scores.masked_fill(~mask[:, head], float("-inf"))
        found.append(scores.softmax(-1) @ value)
    return torch.cat(found, -1) @ weights["output_weight"].T + weights["output_bias"]
