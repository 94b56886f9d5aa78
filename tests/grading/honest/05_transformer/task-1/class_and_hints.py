# a module with no weights, and type hints
import torch
from torch import Tensor, nn


class Attention(nn.Module):
    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        scores = query @ key.transpose(-2, -1) / torch.sqrt(torch.tensor(float(query.size(-1))))
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = nn.Softmax(dim=-1)(scores)
        return weights @ value, weights


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    return Attention()(query, key, value, mask)
