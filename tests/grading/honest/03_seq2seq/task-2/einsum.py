# einsum for every product, gates on an axis of their own
def decoder_step(weights, token, hidden):
    size = hidden.shape[-1]
    w = weights["weight_ih"].reshape(3, size, -1)
    u = weights["weight_hh"].reshape(3, size, size)
    b, d = weights["bias_ih"].reshape(3, size), weights["bias_hh"].reshape(3, size)
    x = torch.einsum("ghe,be->gbh", w, weights["embedding"][token]) + b[:, None]
    h = torch.einsum("ghk,bk->gbh", u, hidden) + d[:, None]
    r, z = torch.sigmoid(x[:2] + h[:2])
    n = torch.tanh(x[2] + r * h[2])
    new = torch.einsum("bh,bh->bh", 1 - z, n) + torch.einsum("bh,bh->bh", z, hidden)
    return torch.einsum("vh,bh->bv", weights["output_weight"], new) + weights["output_bias"], new
