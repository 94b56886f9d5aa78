# einsum, with weights cut into heads
import torch


def attention_step(hidden, weights, num_heads, kept=None):
    width = hidden.size(-1)
    part = width // num_heads

    def per_head(name):
        matrix = weights[f"{name}_weight"].reshape(num_heads, part, width)
        bias = weights[f"{name}_bias"].reshape(num_heads, 1, part)
        return torch.einsum("btd,hpd->bhtp", hidden, matrix) + bias

    query, key, value = per_head("query"), per_head("key"), per_head("value")
    if kept is not None:
        key = torch.cat([kept[0], key], dim=2)
        value = torch.cat([kept[1], value], dim=2)
    scores = torch.einsum("bhtp,bhsp->bhts", query, key) / part**0.5
    new, everything = scores.shape[-2:]
    allowed = torch.arange(everything) <= torch.arange(everything - new, everything).unsqueeze(1)
    look = torch.where(allowed, scores, -torch.inf).softmax(-1)
    found = torch.einsum("bhts,bhsp->bthp", look, value)
    output = weights["output_weight"].reshape(width, num_heads, part)
    return torch.einsum("bthp,dhp->btd", found, output) + weights["output_bias"], (key, value)
