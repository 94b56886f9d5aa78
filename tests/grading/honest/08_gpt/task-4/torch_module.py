# a module, whose weights are put in with functional_call
import torch
from torch import nn
from torch.func import functional_call


class Step(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        for name in ("query", "key", "value", "output"):
            setattr(self, name, nn.Linear(width, width))

    def forward(self, x, kept):
        layers = self.query, self.key, self.value
        q, k, v = (layer(x).unflatten(2, (self.heads, -1)).movedim(2, 1) for layer in layers)
        if kept is not None:
            k, v = torch.cat([kept[0], k], 2), torch.cat([kept[1], v], 2)
        t, s = q.size(2), k.size(2)
        hide = torch.arange(s).view(1, s) > torch.arange(s - t, s).view(t, 1)
        look = (q @ k.mT).div(q.size(-1) ** 0.5).masked_fill(hide, -torch.inf).softmax(-1)
        return self.output((look @ v).movedim(1, 2).flatten(2)), (k, v)


def attention_step(hidden, weights, num_heads, kept=None):
    module = Step(hidden.size(-1), num_heads)
    named = {name.replace("_weight", ".weight").replace("_bias", ".bias"): tensor for name, tensor in weights.items()}
    return functional_call(module, named, (hidden, kept))
