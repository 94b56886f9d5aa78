# torch's RNNCell for the step, masked_scatter to keep the old state
import torch
from torch import nn


@torch.no_grad()
def read(weights, inputs, mask):
    cell = nn.RNNCell(inputs.size(-1), weights["weight_hh"].size(0))
    cell.load_state_dict({name: weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
    state = torch.zeros(len(inputs), cell.hidden_size)
    outputs = []
    for x, real in zip(inputs.permute(1, 0, 2), mask.t(), strict=True):
        change = real[:, None].expand_as(state)
        state = state.masked_scatter(change, cell(x, state)[real])
        outputs.append(state)
    return torch.stack(outputs, 1), state
