# torch.func: a function of the weight and the state, and its gradient, for each chunk
import torch
from torch.func import grad_and_value


def truncated_bptt(weights, inputs, targets, span):
    def chunk_loss(recurrent, state, chunk, wanted):
        loss = 0.0
        for t in range(chunk.shape[1]):
            x = chunk[:, t] @ weights["weight_ih"].T + weights["bias_ih"]
            state = torch.tanh(x + state @ recurrent.T + weights["bias_hh"])
            loss = loss + (state @ weights["output_weight"].T + weights["output_bias"] - wanted[:, t]).square().sum()
        return loss, state

    step = grad_and_value(chunk_loss, has_aux=True)
    state = torch.zeros(inputs.shape[0], weights["weight_hh"].shape[0])
    total, gradient = torch.zeros(()), torch.zeros_like(weights["weight_hh"])
    for chunk, wanted in zip(inputs.split(span, 1), targets.split(span, 1), strict=True):
        part, (loss, state) = step(weights["weight_hh"], state, chunk, wanted)
        total, gradient = total + loss, gradient + part
    return total, gradient
