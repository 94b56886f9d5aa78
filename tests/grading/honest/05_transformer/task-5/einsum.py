# einsum for every product, heads as an axis of the weights
import torch


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    def line(x, name):
        return torch.einsum("...i,oi->...o", x, weights[name + "_weight"]) + weights[name + "_bias"]

    def norm(x, name):
        variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return weights[name + "_weight"] * (x - mean) * (variance + 1e-5).rsqrt() + weights[name + "_bias"]

    def attend(x):
        query, key, value = (line(x, n).reshape(*x.shape[:2], num_heads, -1) for n in ("query", "key", "value"))
        scores = torch.einsum("bthk,bshk->bhts", query, key) / query.size(-1) ** 0.5
        if mask is not None:
            scores = torch.where(mask, scores, float("-inf"))
        return line(torch.einsum("bhts,bshk->bthk", scores.softmax(-1), value).flatten(2), "output")

    def think(x):
        return line(torch.relu(line(x, "inner")), "outer")

    for name, sublayer in (("attention_norm", attend), ("feed_forward_norm", think)):
        hidden = hidden + sublayer(norm(hidden, name)) if norm_first else norm(hidden + sublayer(hidden), name)
    return hidden


def order_sensitivity(hidden, positions, weights, num_heads, order):
    before = encoder_layer(hidden + positions, weights, num_heads)
    after = encoder_layer(hidden[:, order] + positions, weights, num_heads)
    return (before[:, order] - after).abs().flatten().max()
