# for each centre the first and the last place of its window, clipped to its sentence
import torch


def skip_gram_pairs(ids, sentences, reach):
    size = len(ids)
    place = torch.arange(size)
    first = torch.searchsorted(sentences, sentences, right=False)
    last = torch.searchsorted(sentences, sentences, right=True) - 1
    low, high = torch.maximum(first, place - reach), torch.minimum(last, place + reach)
    lengths = high - low + 1
    centres = place.repeat_interleave(lengths)
    starts = lengths.cumsum(0) - lengths
    contexts = torch.arange(int(lengths.sum())) - starts.repeat_interleave(lengths) + low.repeat_interleave(lengths)
    other = centres != contexts
    return torch.stack([ids[centres[other]], ids[contexts[other]]], -1)
