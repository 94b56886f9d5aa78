# a class that clips on copies in place, and prints what it did
import sys

import torch


class Clipper:
    def __init__(self, limit):
        self.limit = limit
        self.norms = []

    def __call__(self, gradients):
        copies = [torch.empty_like(g).copy_(g) for g in gradients]
        norm = torch.tensor([g.norm(p=2) for g in copies]).norm(p=2)
        self.norms.append(norm)
        if norm > self.limit:
            print(f"clipped from {norm:.3f}", file=sys.stderr)
            for g in copies:
                g.mul_(self.limit / norm)
        return copies, self.norms[-1]


def clip_gradients(gradients, max_norm):
    return Clipper(max_norm)(gradients)
