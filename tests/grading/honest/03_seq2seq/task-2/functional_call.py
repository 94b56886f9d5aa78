# a whole nn.GRU over a sequence of one token, without copying weights
import torch
from torch import nn
from torch.func import functional_call


def decoder_step(weights, token, hidden):
    gru = nn.GRU(weights["weight_ih"].shape[1], hidden.shape[1], batch_first=True)
    given = {f"{name}_l0": weights[name].detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    embedded = weights["embedding"][token].unsqueeze(1)
    outputs, last = functional_call(gru, given, (embedded, hidden.unsqueeze(0)))
    logits = nn.functional.linear(outputs.squeeze(1), weights["output_weight"], weights["output_bias"])
    return logits.detach(), last.squeeze(0).detach()
