# the inverse of the geometric mean that the statistics module computes
from statistics import geometric_mean


def perplexity(log_probs, mask):
    probabilities = log_probs.double()[mask].exp()
    return 1 / geometric_mean(probabilities.tolist())
