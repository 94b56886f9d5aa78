# numpy inside, double precision, np.where; padding's nan raises numpy's warnings and nothing else
import numpy as np
import torch


def read(weights, inputs, mask):
    w = {name: value.numpy().astype(np.float64) for name, value in weights.items()}
    x, real = inputs.numpy().astype(np.float64), mask.numpy()
    state = np.zeros((x.shape[0], w["weight_hh"].shape[0]))
    outputs = np.zeros((x.shape[0], x.shape[1], state.shape[1]))
    for t in range(x.shape[1]):
        new = np.tanh(x[:, t] @ w["weight_ih"].T + w["bias_ih"] + state @ w["weight_hh"].T + w["bias_hh"])
        state = np.where(real[:, t, np.newaxis], new, state)
        outputs[:, t] = state
    return torch.from_numpy(outputs).float(), torch.from_numpy(state.copy()).float()
