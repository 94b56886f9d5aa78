# one product with a matrix of blocks: input and state side by side
import torch


def decoder_step(weights, token, hidden):
    (w_r, w_z, w_n), (u_r, u_z, u_n) = weights["weight_ih"].chunk(3), weights["weight_hh"].chunk(3)
    no_e, no_h = torch.zeros_like(w_n), torch.zeros_like(u_n)
    blocks = torch.cat(
        [torch.cat([w_r, u_r], 1), torch.cat([w_z, u_z], 1), torch.cat([w_n, no_h], 1), torch.cat([no_e, u_n], 1)]
    )
    (b_r, b_z, b_n), (d_r, d_z, d_n) = weights["bias_ih"].chunk(3), weights["bias_hh"].chunk(3)
    bias = torch.cat([b_r + d_r, b_z + d_z, b_n, d_n])
    both = torch.cat([weights["embedding"][token], hidden], 1)
    r, z, n, h = (both @ blocks.T + bias).chunk(4, 1)
    z = z.sigmoid()
    new = (1 - z) * (n + r.sigmoid() * h).tanh() + z * hidden
    return torch.cat([new, torch.ones_like(new[:, :1])], 1) @ torch.cat(
        [weights["output_weight"], weights["output_bias"][:, None]], 1
    ).T, new
