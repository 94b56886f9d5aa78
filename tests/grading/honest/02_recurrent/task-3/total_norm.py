# torch's get_total_norm, with a small number against division by zero
from torch.nn.utils import get_total_norm


def clip_gradients(gradients, max_norm):
    norm = get_total_norm(gradients)
    return [g * min(1.0, max_norm / (norm.item() + 1e-6)) for g in gradients], norm
