# sine and cosine stacked and flattened
import torch


def sinusoidal_positions(num_positions, width):
    angles = torch.outer(torch.arange(num_positions).float(), 10000 ** (-torch.arange(0, width, 2) / width))
    return torch.stack((torch.sin(angles), torch.cos(angles)), dim=2).reshape(num_positions, width)
