# itertools.accumulate carries the state; the first one, of zeros, is dropped
from itertools import accumulate

import torch
from torch.nn.functional import linear


def read(weights, inputs, mask):
    def step(state, token):
        x, real = token
        new = torch.tanh(
            linear(x, weights["weight_ih"], weights["bias_ih"])
            + linear(state, weights["weight_hh"], weights["bias_hh"])
        )
        return torch.where(real, new, state)

    start = torch.zeros(len(inputs), len(weights["weight_hh"]))
    tokens = zip(inputs.unbind(1), mask.unsqueeze(-1).unbind(1), strict=True)
    _, *states = accumulate(tokens, step, initial=start)
    return torch.stack(states, 1), states[-1]
