# four Linear layers that are given the weights, in a module of the learner's own
import torch
from torch import Tensor, nn


class Heads(nn.Module):
    def __init__(self, weights: dict[str, Tensor], num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        for name in ("query", "key", "value", "output"):
            linear = nn.Linear(*weights[f"{name}_weight"].shape[::-1])
            linear.load_state_dict({kind: weights[f"{name}_{kind}"] for kind in ("weight", "bias")})
            setattr(self, name, linear)

    def forward(self, hidden: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = (
            x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)
            for x in (self.query(hidden), self.key(memory), self.value(memory))
        )
        scores = q @ k.mT / q.size(-1) ** 0.5
        weights = (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1)
        return self.output((weights @ v).transpose(-3, -2).flatten(-2))


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    return Heads(weights, num_heads)(hidden, memory, mask)
