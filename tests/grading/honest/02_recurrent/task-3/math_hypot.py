# math.hypot over every single number, which never overflows; a tuple in place of a list
import math


def clip_gradients(gradients, max_norm):
    norm = math.hypot(*(x for g in gradients for x in g.flatten().tolist()))
    return tuple(g / max(1.0, norm / max_norm) for g in gradients), norm
