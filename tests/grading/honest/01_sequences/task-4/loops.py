# two loops, one sum, one count
import math


def perplexity(log_probs, mask):
    total, count = 0.0, 0
    for row, keep in zip(log_probs.tolist(), mask.tolist()):
        for value, real in zip(row, keep):
            if real:
                total -= value
                count += 1
    return math.exp(total / count)
