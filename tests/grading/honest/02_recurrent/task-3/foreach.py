# torch's functions on lists of tensors
import torch


def clip_gradients(gradients, max_norm):
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    return list(torch._foreach_mul(gradients, torch.clamp(max_norm / (norm + 1e-12), max=1.0))), norm
