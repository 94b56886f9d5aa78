# whole torch networks over a sequence of one step, with gradients that reach the given weights
from torch import nn
from torch.func import functional_call


def _run(kind, weights, inputs, state):
    given = {f"{name}_l0": weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    network = kind(inputs.size(-1), weights["weight_hh"].size(1))
    return functional_call(network, given, (inputs.unsqueeze(0), state))[1]


def rnn_step(weights, inputs, hidden):
    return _run(nn.RNN, weights, inputs, hidden.unsqueeze(0)).squeeze(0)


def gru_step(weights, inputs, hidden):
    return _run(nn.GRU, weights, inputs, hidden.unsqueeze(0)).squeeze(0)


def lstm_step(weights, inputs, hidden, memory):
    h, c = _run(nn.LSTM, weights, inputs, (hidden.unsqueeze(0), memory.unsqueeze(0)))
    return h[0], c[0]
