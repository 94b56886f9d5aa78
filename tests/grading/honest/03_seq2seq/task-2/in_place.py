# in place on copies and fresh tensors of its own; the arguments stay as they are
import torch


def decoder_step(weights, token, hidden):
    x = torch.mm(weights["embedding"][token], weights["weight_ih"].t()).add_(weights["bias_ih"])
    g = torch.mm(hidden, weights["weight_hh"].t()).add_(weights["bias_hh"])
    size = hidden.shape[1]
    gates = x[:, : 2 * size].clone().add_(g[:, : 2 * size]).sigmoid_()
    r, z = gates[:, :size], gates[:, size:]
    n = g[:, 2 * size :].mul_(r).add_(x[:, 2 * size :]).tanh_()
    state = hidden.clone()
    state.mul_(z).add_(n.mul_(1 - z))
    logits = torch.empty(len(token), len(weights["output_bias"]), device=hidden.device)
    torch.mm(state, weights["output_weight"].t(), out=logits)
    logits += weights["output_bias"]
    return logits, state
