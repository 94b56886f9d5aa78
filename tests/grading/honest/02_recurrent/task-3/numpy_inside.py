# numpy inside, in double precision; the norm comes back as numpy's number
import numpy as np
import torch


def clip_gradients(gradients, max_norm):
    arrays = [np.asarray(g.numpy(), dtype=np.float64) for g in gradients]
    norm = np.sqrt(sum(np.sum(a * a) for a in arrays))
    factor = max_norm / norm if norm > max_norm else 1.0
    return [torch.from_numpy(np.asarray(a * factor, dtype=np.float32)) for a in arrays], norm
