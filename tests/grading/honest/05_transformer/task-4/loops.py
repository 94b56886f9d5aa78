# two loops and the formula as it stands
import math

import torch


def sinusoidal_positions(num_positions, width):
    table = []
    for p in range(num_positions):
        row = []
        for i in range(width // 2):
            angle = p / 10000 ** (2 * i / width)
            row += [math.sin(angle), math.cos(angle)]
        table.append(row)
    return torch.tensor(table)
