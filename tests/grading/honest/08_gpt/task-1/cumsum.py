# what may be seen never ends to be seen: running sums of an identity matrix, from the right
import torch


def causal_mask(new, kept=0):
    last_seen = torch.eye(new + kept)[kept:]
    return last_seen.flip(1).cumsum(1).flip(1) > 0
