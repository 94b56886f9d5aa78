# a cosine is a sine a quarter of a turn ahead; in double precision, and returned so
import torch


def sinusoidal_positions(num_positions, width):
    columns = torch.arange(width, dtype=torch.double)
    speeds = 10000 ** -((columns - columns % 2) / width)
    angles = torch.arange(num_positions, dtype=torch.double)[:, None] * speeds
    return (angles + columns % 2 * torch.pi / 2).sin()
