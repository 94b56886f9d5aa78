# every clock is a power of one complex number
import torch


def sinusoidal_positions(num_positions, width):
    speeds = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    hands = torch.polar(torch.ones_like(speeds), speeds) ** torch.arange(num_positions)[:, None]
    return torch.view_as_real(hands)[..., [1, 0]].flatten(1).float()
