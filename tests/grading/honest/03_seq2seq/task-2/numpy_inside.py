# numpy inside, in double precision; tensors at the ends
import numpy as np
import torch


def _sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def decoder_step(weights, token, hidden):
    w = {k: np.asarray(v.detach().cpu(), dtype=np.float64) for k, v in weights.items()}
    h = hidden.detach().cpu().numpy().astype("float64")
    x = w["embedding"][token.cpu().numpy()] @ w["weight_ih"].T + w["bias_ih"]
    g = h @ w["weight_hh"].T + w["bias_hh"]
    (xr, xz, xn), (gr, gz, gn) = np.split(x, 3, axis=1), np.split(g, 3, axis=1)
    z = _sigmoid(xz + gz)
    h = (1 - z) * np.tanh(xn + _sigmoid(xr + gr) * gn) + z * h
    logits = h @ w["output_weight"].T + w["output_bias"]
    return torch.as_tensor(logits, dtype=torch.float32).to(hidden), torch.from_numpy(h).to(hidden)
