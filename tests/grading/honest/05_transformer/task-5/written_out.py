# nothing but products, sums and roots; a scalar tensor comes back
import torch


def normalise(x, scale, move):
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * scale + move


def look(x, w, heads, mask):
    batch, length, width = x.shape
    q, k, v = (
        (x @ w[n + "_weight"].T + w[n + "_bias"]).view(batch, length, heads, width // heads).transpose(1, 2)
        for n in ("query", "key", "value")
    )
    scores = q @ k.transpose(2, 3) / (width // heads) ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    found = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width)
    return found @ w["output_weight"].T + w["output_bias"]


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    w = weights
    first = lambda x: normalise(x, w["attention_norm_weight"], w["attention_norm_bias"])
    second = lambda x: normalise(x, w["feed_forward_norm_weight"], w["feed_forward_norm_bias"])
    think = lambda x: (x @ w["inner_weight"].T + w["inner_bias"]).clamp(min=0) @ w["outer_weight"].T + w["outer_bias"]
    if norm_first:
        x = hidden + look(first(hidden), w, num_heads, mask)
        x = x + think(second(x))
    else:
        x = first(hidden + look(hidden, w, num_heads, mask))
        x = second(x + think(x))
    return x


def order_sensitivity(hidden, positions, weights, num_heads, order):
    old = encoder_layer(hidden + positions, weights, num_heads)
    new = encoder_layer(hidden[:, order] + positions, weights, num_heads)
    return torch.max(torch.abs(new - old[:, order]))
