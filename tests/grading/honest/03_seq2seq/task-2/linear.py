# F.embedding and F.linear instead of products written out
import torch
import torch.nn.functional as F


def decoder_step(weights, token, hidden):
    e = F.embedding(token, weights["embedding"])
    r_x, z_x, n_x = F.linear(e, weights["weight_ih"], weights["bias_ih"]).chunk(3, dim=1)
    r_h, z_h, n_h = F.linear(hidden, weights["weight_hh"], weights["bias_hh"]).chunk(3, dim=1)
    r = torch.sigmoid(r_x + r_h)
    z = torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    new = n + z * (hidden - n)
    return F.linear(new, weights["output_weight"], weights["output_bias"]), new
