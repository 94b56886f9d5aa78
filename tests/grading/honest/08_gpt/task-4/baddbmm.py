# heads as part of the batch, bmm, and a mask that is added
import torch


def attention_step(hidden, weights, num_heads, kept=None):
    batch, new, width = hidden.shape
    part = width // num_heads

    def heads(name):
        x = torch.addmm(weights[name + "_bias"], hidden.reshape(-1, width), weights[name + "_weight"].t())
        return x.view(batch, new, num_heads, part).transpose(1, 2).reshape(batch * num_heads, new, part)

    q, k, v = heads("query"), heads("key"), heads("value")
    t = 0
    if kept is not None:
        t = kept[0].size(2)
        k = torch.cat([kept[0].reshape(batch * num_heads, t, part), k], 1)
        v = torch.cat([kept[1].reshape(batch * num_heads, t, part), v], 1)
    future = torch.full((new, t + new), float("-inf")).triu(t + 1)
    weighted = torch.baddbmm(future.unsqueeze(0), q, k.transpose(1, 2), alpha=part**-0.5).softmax(-1)
    found = torch.bmm(weighted, v).view(batch, num_heads, new, part).transpose(1, 2).reshape(batch, new, width)
    shape = (batch, num_heads, t + new, part)
    return found @ weights["output_weight"].t() + weights["output_bias"], (k.view(shape), v.view(shape))
