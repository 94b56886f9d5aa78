# a list of columns, in turn
import torch


def sinusoidal_positions(num_positions, width):
    places = torch.linspace(0, num_positions - 1, num_positions)
    columns = []
    for two_i in range(0, width, 2):
        angle = places / 10000 ** (two_i / width)
        columns.extend([angle.sin(), angle.cos()])
    return torch.stack(columns, dim=-1)
