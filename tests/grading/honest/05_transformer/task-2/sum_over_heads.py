# no concatenation: each head goes through its own columns of the output, and the results are added
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    split = lambda x: torch.stack(x.chunk(num_heads, -1), 1)
    line = lambda x, name: x @ weights[name + "_weight"].t() + weights[name + "_bias"]
    q, k, v = split(line(hidden, "query")), split(line(memory, "key")), split(line(memory, "value"))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        scores = torch.where(mask, scores, -torch.inf)
    found = torch.softmax(scores, -1) @ v
    columns = torch.stack(weights["output_weight"].chunk(num_heads, 1))
    return torch.einsum("bhtd,hod->bto", found, columns) + weights["output_bias"]
