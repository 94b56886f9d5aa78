# all sines, then all cosines, then put in turn by an index
import torch


def sinusoidal_positions(num_positions, width):
    angles = torch.arange(num_positions).unsqueeze(-1) / torch.pow(10_000.0, torch.arange(0, width, 2) / width)
    halves = torch.cat([angles.sin(), angles.cos()], dim=1)
    return halves[:, torch.arange(width).view(2, -1).T.reshape(-1)]
