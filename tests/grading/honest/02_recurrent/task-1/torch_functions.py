# the functions under torch's cells, called by their names
import torch


def _four(weights):
    return weights["weight_ih"], weights["weight_hh"], weights["bias_ih"], weights["bias_hh"]


def rnn_step(weights, inputs, hidden):
    return torch.rnn_tanh_cell(inputs, hidden, *_four(weights))


def gru_step(weights, inputs, hidden):
    return torch.gru_cell(inputs, hidden, *_four(weights))


def lstm_step(weights, inputs, hidden, memory):
    return torch.lstm_cell(inputs, (hidden, memory), *_four(weights))
