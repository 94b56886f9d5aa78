# torch's fused kernel finds the contexts; the weights are the same with the identity for values
import torch
from torch.nn.functional import scaled_dot_product_attention


def look_back(query, memory, mask, weight):
    keys, allowed = memory @ weight.T, mask.unsqueeze(1).expand(-1, query.size(1), -1)
    contexts = scaled_dot_product_attention(query, keys, memory, attn_mask=allowed, scale=1.0)
    places = torch.eye(memory.size(1)).expand(len(memory), -1, -1)
    return contexts, scaled_dot_product_attention(query, keys, places, attn_mask=allowed, scale=1.0)
