# in place on tensors of its own, with prints and a warning; a list in place of a tuple
import sys
import warnings

import torch

warnings.warn("gates ahead", stacklevel=1)


def _total(weights, inputs, hidden):
    total = torch.mm(inputs, weights["weight_ih"].t())
    total += weights["bias_ih"]
    total += torch.mm(hidden, weights["weight_hh"].t())
    total += weights["bias_hh"]
    print("total:", tuple(total.shape), file=sys.stderr)
    return total


def rnn_step(weights, inputs, hidden):
    return _total(weights, inputs, hidden).tanh_()


def gru_step(weights, inputs, hidden):
    size = hidden.shape[1]
    gates = _total(weights, inputs, hidden)[:, : 2 * size].sigmoid_()
    new = torch.mm(hidden, weights["weight_hh"][2 * size :].t()).add_(weights["bias_hh"][2 * size :])
    new.mul_(gates[:, :size]).add_(inputs @ weights["weight_ih"][2 * size :].t()).add_(weights["bias_ih"][2 * size :])
    new.tanh_()
    state = hidden.clone()
    state -= new
    state *= gates[:, size:]
    state += new
    print("gru:", tuple(state.shape))
    return state


def lstm_step(weights, inputs, hidden, memory):
    size = hidden.shape[1]
    total = _total(weights, inputs, hidden)
    total[:, : 2 * size].sigmoid_()
    total[:, 2 * size : 3 * size].tanh_()
    total[:, 3 * size :].sigmoid_()
    new = memory.clone()
    new.mul_(total[:, size : 2 * size]).add_(total[:, :size] * total[:, 2 * size : 3 * size])
    return [total[:, 3 * size :] * new.tanh(), new]
