# nn.RNN and nn.Linear as modules, filled with the given weights
import torch
from torch import nn


def truncated_bptt(weights, inputs, targets, span):
    rnn = nn.RNN(inputs.size(-1), len(weights["weight_hh"]), batch_first=True)
    rnn.load_state_dict({f"{k}_l0": weights[k] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
    output = nn.Linear(len(weights["weight_hh"]), targets.size(-1))
    output.load_state_dict({"weight": weights["output_weight"], "bias": weights["output_bias"]})
    rnn.zero_grad()
    h, total = None, torch.tensor(0.0)
    for x, y in zip(inputs.split(span, dim=1), targets.split(span, dim=1), strict=True):
        states, h = rnn(x, h)
        loss = nn.MSELoss(reduction="sum")(output(states), y)
        loss.backward()
        h = h.detach()
        total += loss.detach()
    return total, rnn.weight_hh_l0.grad
