# one row of the batch at a time, with a progress bar and a note on stderr
import sys

import torch
from tqdm import tqdm


def one_row(weights, i, h):
    x = weights["weight_ih"] @ weights["embedding"][i] + weights["bias_ih"]
    g = weights["weight_hh"] @ h + weights["bias_hh"]
    x, g = x.view(3, -1), g.view(3, -1)
    r = (x[0] + g[0]).sigmoid()
    z = (x[1] + g[1]).sigmoid()
    h = (1 - z) * (x[2] + r * g[2]).tanh() + z * h
    return weights["output_weight"] @ h + weights["output_bias"], h


def decoder_step(weights, token, hidden):
    print("decoding", len(token), "rows", file=sys.stderr)
    rows = [one_row(weights, i, h) for i, h in tqdm(zip(token, hidden), total=len(token))]
    logits, states = zip(*rows)
    return [torch.stack(logits), torch.stack(states)]
