# each tensor's dot product with itself, mapped
import torch


def clip_gradients(gradients, max_norm):
    squares = map(lambda g: torch.dot(g.flatten(), g.flatten()), gradients)
    norm = torch.stack(list(squares)).sum().sqrt()
    too_long = bool(norm > max_norm)
    return list(map(lambda g: g.mul(max_norm).div(norm) if too_long else g, gradients)), norm
