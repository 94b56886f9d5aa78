# Linear from torch.nn.functional, and its fused attention
import torch
from torch.nn import functional as F


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    def project(x, name):
        return F.linear(x, weights[name + "_weight"], weights[name + "_bias"])

    def heads(x):
        return x.view(*x.shape[:2], num_heads, -1).transpose(1, 2)

    query, key, value = heads(project(hidden, "query")), heads(project(memory, "key")), heads(project(memory, "value"))
    found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return project(found.transpose(1, 2).reshape(hidden.shape), "output")
