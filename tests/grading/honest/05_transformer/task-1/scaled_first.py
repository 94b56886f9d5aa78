# the queries are scaled before the product, half of the root on either side, and a list comes back
import torch


def scaled_dot_product_attention(query, key, value, mask=None):
    quarter = query.size(-1) ** 0.25
    scores = torch.matmul(query / quarter, (key / quarter).mT)
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    return [torch.matmul(weights, value), weights]
