# numpy's boolean index, mean and exp; a numpy number comes back
import numpy as np


def perplexity(log_probs, mask):
    real = log_probs.numpy()[mask.numpy()]
    return np.exp(-np.mean(real, dtype=np.float64))
