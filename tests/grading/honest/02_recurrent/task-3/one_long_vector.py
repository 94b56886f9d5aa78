# all numbers in one long vector, scaled, and cut up again
import torch


def clip_gradients(gradients, max_norm):
    vector = torch.cat([g.reshape(-1) for g in gradients])
    norm = vector.norm()
    if norm > max_norm:
        vector = vector / norm * max_norm
    parts = vector.split([g.numel() for g in gradients])
    return [part.view(g.shape).clone() for part, g in zip(parts, gradients, strict=True)], norm.item()
