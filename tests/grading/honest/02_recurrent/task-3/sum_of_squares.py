# a loop that adds up squares, a plain if
def clip_gradients(gradients, max_norm):
    total = 0.0
    for g in gradients:
        total += (g**2).sum()
    norm = total**0.5
    if norm > max_norm:
        return [g * (max_norm / norm) for g in gradients], norm
    return [g.clone() for g in gradients], norm
