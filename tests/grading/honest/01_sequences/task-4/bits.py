# in bits, and then 2 to their power
import math


def perplexity(log_probs, mask):
    bits = -log_probs[mask] / math.log(2)
    return 2.0 ** bits.mean().item()
