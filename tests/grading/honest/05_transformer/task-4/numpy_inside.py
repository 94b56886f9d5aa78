# numpy
import numpy as np
import torch


def sinusoidal_positions(num_positions, width):
    places, columns = np.mgrid[:num_positions, :width]
    angles = places / np.power(10000.0, 2 * (columns // 2) / width)
    return torch.tensor(np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)), dtype=torch.float32)
