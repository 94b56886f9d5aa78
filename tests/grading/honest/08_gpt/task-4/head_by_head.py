# one head after another, on columns
import torch


def attention_step(hidden, weights, num_heads, kept=None):
    part = hidden.size(-1) // num_heads
    q, k, v = (hidden @ weights[f"{n}_weight"].T + weights[f"{n}_bias"] for n in ("query", "key", "value"))
    found, keys, values = [], [], []
    for h in range(num_heads):
        own = slice(h * part, (h + 1) * part)
        key = k[..., own] if kept is None else torch.cat([kept[0][:, h], k[..., own]], 1)
        value = v[..., own] if kept is None else torch.cat([kept[1][:, h], v[..., own]], 1)
        scores = q[..., own] @ key.mT / part**0.5
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1 + key.size(1) - hidden.size(1))
        found.append(scores.masked_fill(mask, float("-inf")).softmax(-1) @ value)
        keys.append(key)
        values.append(value)
    output = torch.cat(found, -1) @ weights["output_weight"].T + weights["output_bias"]
    return output, (torch.stack(keys, 1), torch.stack(values, 1))
