# the norm of the tensors' norms, and a clamped factor
import torch


def clip_gradients(gradients, max_norm):
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    factor = torch.clamp(max_norm / norm, max=1.0)
    return [g * factor for g in gradients], norm
