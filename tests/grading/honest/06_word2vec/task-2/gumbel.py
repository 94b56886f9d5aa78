# the largest of log-probabilities and Gumbel noise
import torch


def noise_probabilities(counts, power=0.75):
    return (power * counts.double().log()).softmax(0)


def draw_negatives(probabilities, shape, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    uniform = torch.rand(*shape, len(probabilities), generator=generator).clamp(1e-12, 1 - 1e-7)
    return (probabilities.log() - (-uniform.log()).log()).argmax(-1)
