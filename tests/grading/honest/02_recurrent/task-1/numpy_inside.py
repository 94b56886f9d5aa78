# numpy inside, in double precision, with sigmoids that cannot overflow; tensors at the ends
import numpy as np
import torch


def _arrays(weights, *tensors):
    return {name: np.asarray(w.detach(), dtype=np.float64) for name, w in weights.items()}, *(
        np.asarray(t.detach(), dtype=np.float64) for t in tensors
    )


def _sigmoid(x):
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _tensor(array):
    return torch.tensor(array, dtype=torch.float32)


def rnn_step(weights, inputs, hidden):
    w, x, h = _arrays(weights, inputs, hidden)
    return _tensor(np.tanh(x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]))


def gru_step(weights, inputs, hidden):
    w, x, h = _arrays(weights, inputs, hidden)
    xr, xz, xn = np.split(x @ w["weight_ih"].T + w["bias_ih"], 3, axis=1)
    hr, hz, hn = np.split(h @ w["weight_hh"].T + w["bias_hh"], 3, axis=1)
    z = _sigmoid(xz + hz)
    return _tensor((1 - z) * np.tanh(xn + _sigmoid(xr + hr) * hn) + z * h)


def lstm_step(weights, inputs, hidden, memory):
    w, x, h, c = _arrays(weights, inputs, hidden, memory)
    i, f, g, o = np.hsplit(x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"], 4)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _tensor(_sigmoid(o) * np.tanh(c)), _tensor(c)
