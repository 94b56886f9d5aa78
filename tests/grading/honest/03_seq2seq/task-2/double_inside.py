# double precision inside; hsplit; the candidate's part kept apart from the gates
import torch


def decoder_step(weights, token, hidden):
    weights = {name: tensor.double() for name, tensor in weights.items()}
    state = hidden.double()
    size = state.shape[1]
    e = weights["embedding"][token]
    x = e @ weights["weight_ih"].T + weights["bias_ih"]
    g = state @ weights["weight_hh"].T + weights["bias_hh"]
    r, z = (x + g)[:, : 2 * size].sigmoid().hsplit(2)
    n = (x[:, 2 * size :] + r * g[:, 2 * size :]).tanh()
    state = torch.lerp(n, state, z)
    return (state @ weights["output_weight"].T + weights["output_bias"]).float(), state.float()
