# a square of the new places, with the kept ones put in front
import torch


def causal_mask(new, kept=0):
    own = torch.tril(torch.ones((new, new), dtype=torch.bool))
    return torch.cat((torch.full((new, kept), True), own), dim=1)
