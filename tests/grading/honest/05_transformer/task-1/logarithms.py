# weights as exponentials of log-probabilities; the scores are masked by assignment to a new tensor
import torch


def scaled_dot_product_attention(query, key, value, mask=None):
    scores = (query.unsqueeze(-2) * key.unsqueeze(-3)).sum(-1).div(query.shape[-1] ** 0.5)
    if mask is not None:
        scores[~mask.expand_as(scores)] = -torch.inf
    weights = (scores - scores.logsumexp(-1, keepdim=True)).exp()
    return (weights.unsqueeze(-1) * value.unsqueeze(-3)).sum(-2), weights
