# each position is the one before, turned by a fixed angle: no sine is taken but that of one step
import torch


def sinusoidal_positions(num_positions, width):
    step = 10000.0 ** (-torch.arange(0, width, 2).double() / width)
    sine, cosine = torch.zeros(width // 2).double(), torch.ones(width // 2).double()
    rows = []
    for _ in range(num_positions):
        rows.append(torch.stack([sine, cosine], 1).view(-1))
        sine, cosine = sine * step.cos() + cosine * step.sin(), cosine * step.cos() - sine * step.sin()
    return torch.stack(rows).float()
