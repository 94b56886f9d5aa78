# what is kept comes back as a list, and one large projection makes all three
import torch


def attention_step(hidden, weights, num_heads, kept=None):
    names = ["query", "key", "value"]
    matrix = torch.cat([weights[f"{name}_weight"] for name in names])
    bias = torch.cat([weights[f"{name}_bias"] for name in names])
    q, k, v = (hidden @ matrix.T + bias).unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    if kept is not None:
        k, v = [torch.cat(pair, dim=2) for pair in zip(kept, (k, v))]
    t = k.size(2) - q.size(2)
    scores = (q / q.size(-1) ** 0.5) @ k.mT
    scores = scores + torch.zeros(scores.shape[-2:]).masked_fill(torch.ones(scores.shape[-2:]).tril(t) == 0, -torch.inf)
    found = (scores.softmax(-1) @ v).permute(0, 2, 1, 3)
    return found.flatten(-2) @ weights["output_weight"].T + weights["output_bias"], [k, v]
