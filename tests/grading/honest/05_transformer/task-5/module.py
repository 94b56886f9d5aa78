# a module of torch's layers that is given the weights
import torch
from torch import Tensor, nn


class Layer(nn.Module):
    def __init__(self, weights: dict[str, Tensor], num_heads: int, norm_first: bool):
        super().__init__()
        self.num_heads, self.norm_first = num_heads, norm_first
        for name in ("query", "key", "value", "output", "inner", "outer"):
            setattr(self, name, nn.Linear(*weights[f"{name}_weight"].shape[::-1]))
        for name in ("attention_norm", "feed_forward_norm"):
            setattr(self, name, nn.LayerNorm(len(weights[f"{name}_weight"])))
        self.load_state_dict({name[::-1].replace("_", ".", 1)[::-1]: value for name, value in weights.items()})

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = q @ k.mT / q.size(-1) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        return self.output((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.norm_first:
            x = x + self.attend(self.attention_norm(x), mask)
            return x + self.outer(self.inner(self.feed_forward_norm(x)).relu())
        x = self.attention_norm(x + self.attend(x, mask))
        return self.feed_forward_norm(x + self.outer(self.inner(x).relu()))


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    return Layer(weights, num_heads, norm_first)(hidden, mask)


def order_sensitivity(hidden, positions, weights, num_heads, order):
    layer = Layer(weights, num_heads, norm_first=False)
    with torch.inference_mode():
        gap = layer(hidden[:, order] + positions) - layer(hidden + positions)[:, order]
    return gap.abs().max().item()
