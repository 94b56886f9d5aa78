# every other column is written, with exponentials of logarithms, as most tutorials do it
import math

import torch


def sinusoidal_positions(num_positions, width):
    pe = torch.zeros(num_positions, width)
    position = torch.arange(0, num_positions, dtype=torch.float).unsqueeze(1)
    div_term = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term)
    return pe
