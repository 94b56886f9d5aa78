# torch's fused kernel finds the mixture; with the identity for values it tells the weights, too
import torch
from torch.nn.functional import scaled_dot_product_attention as fused


def scaled_dot_product_attention(query, key, value, mask=None):
    places = torch.eye(key.size(-2)).expand(*key.shape[:-1], -1)
    return fused(query, key, value, attn_mask=mask), fused(query, key, places, attn_mask=mask)
