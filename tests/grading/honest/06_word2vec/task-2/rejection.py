# rejection: a word and a height, again where the height is too high
import torch


def noise_probabilities(counts, power=0.75):
    weights = torch.tensor([float(c) ** power for c in counts])
    return weights / torch.sum(weights)


def draw_negatives(probabilities, shape, seed):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.full(shape, -1)
    while (open_ := drawn < 0).any():
        words = torch.randint(len(probabilities), (int(open_.sum()),), generator=generator)
        heights = torch.rand(len(words), generator=generator) * probabilities.max()
        drawn[open_] = torch.where(heights < probabilities[words], words, -1)
    return drawn
