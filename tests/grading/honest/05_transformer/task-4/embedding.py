# wrapped into an Embedding that is not trained; einsum for the angles
import torch


def sinusoidal_positions(num_positions, width):
    speeds = torch.exp2(-torch.arange(0, width, 2).double() / width * torch.log2(torch.tensor(10000.0).double()))
    angles = torch.einsum("p,i->pi", torch.arange(num_positions).double(), speeds)
    table = torch.empty(num_positions, width)
    table.view(num_positions, -1, 2).select(2, 0).copy_(angles.sin())
    table.view(num_positions, -1, 2).select(2, 1).copy_(angles.cos())
    return torch.nn.Embedding.from_pretrained(table, freeze=True).weight
