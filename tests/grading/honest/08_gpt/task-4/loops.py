# batch, heads and new places as loops
import torch


def attention_step(hidden, weights, num_heads, kept=None):
    batch, new, width = hidden.shape
    part = width // num_heads
    before = 0 if kept is None else kept[0].size(2)
    keys = torch.zeros(batch, num_heads, before + new, part)
    values = torch.zeros(batch, num_heads, before + new, part)
    found = torch.zeros(batch, new, width)
    for b in range(batch):
        query = hidden[b] @ weights["query_weight"].T + weights["query_bias"]
        key = hidden[b] @ weights["key_weight"].T + weights["key_bias"]
        value = hidden[b] @ weights["value_weight"].T + weights["value_bias"]
        for h in range(num_heads):
            columns = slice(h * part, (h + 1) * part)
            if before:
                keys[b, h, :before], values[b, h, :before] = kept[0][b, h], kept[1][b, h]
            for t in range(new):
                keys[b, h, before + t], values[b, h, before + t] = key[t, columns], value[t, columns]
                seen = before + t + 1
                scores = keys[b, h, :seen] @ query[t, columns] / part**0.5
                found[b, t, columns] = scores.softmax(0) @ values[b, h, :seen]
    return found @ weights["output_weight"].T + weights["output_bias"], (keys, values)
