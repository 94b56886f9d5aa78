# where, on even and odd columns
import torch


def sinusoidal_positions(num_positions, width):
    columns = torch.arange(width)
    exponents = columns.div(2, rounding_mode="floor") * 2 / width
    angles = torch.arange(num_positions)[:, None] / 10000**exponents
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos())
