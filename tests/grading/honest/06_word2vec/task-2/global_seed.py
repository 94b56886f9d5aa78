# the global generator, set to the seed
import torch


def noise_probabilities(counts, power=0.75):
    return (counts / counts.max()) ** power / ((counts / counts.max()) ** power).sum()


def draw_negatives(probabilities, shape, seed):
    torch.manual_seed(seed)
    return torch.multinomial(probabilities, torch.zeros(shape).numel(), True).reshape(shape)
