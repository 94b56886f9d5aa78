# lambdas bound to names; einsum over chosen values
import torch

pad = lambda sequences, pad_id=0: (  # noqa: E731
    torch.tensor([[s[t] if t < len(s) else pad_id for t in range(max(map(len, sequences)))] for s in sequences]),
    torch.tensor([[t < len(s) for t in range(max(map(len, sequences)))] for s in sequences]),
)

masked_mean = lambda values, mask: (  # noqa: E731
    torch.einsum("bs->b", torch.where(mask, values, 0 * torch.ones_like(values))) / mask.float().sum(1)
)
