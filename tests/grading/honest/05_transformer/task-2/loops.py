# batch, heads and targets as loops, only the softmax in torch
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    batch, steps, width = hidden.shape
    part = width // num_heads
    allowed = torch.ones(batch, num_heads, steps, memory.size(1), dtype=torch.bool)
    if mask is not None:
        allowed &= mask
    found = torch.zeros(batch, steps, width)
    for b in range(batch):
        query = hidden[b] @ weights["query_weight"].T + weights["query_bias"]
        key = memory[b] @ weights["key_weight"].T + weights["key_bias"]
        value = memory[b] @ weights["value_weight"].T + weights["value_bias"]
        for h in range(num_heads):
            own = range(h * part, (h + 1) * part)
            for t in range(steps):
                places = [s for s in range(memory.size(1)) if allowed[b, h, t, s]]
                scores = torch.stack([sum(query[t, i] * key[s, i] for i in own) for s in places]) / part**0.5
                for weight, s in zip(scores.softmax(0), places):
                    found[b, t, h * part : (h + 1) * part] += weight * value[s, h * part : (h + 1) * part]
    return found @ weights["output_weight"].T + weights["output_bias"]
