# one offset after the other for the whole text, then everything is put into the order of the text
import torch


def skip_gram_pairs(ids, sentences, reach):
    size = len(ids)
    places = torch.arange(size)
    found = [torch.empty(0, 2, dtype=torch.int64)]
    for d in range(1, min(int(reach.max()), size - 1) + 1):
        left, right = places[:-d], places[d:]
        together = sentences[:-d] == sentences[d:]
        forward = together & (reach[:-d] >= d)
        backward = together & (reach[d:] >= d)
        found.append(torch.stack([left[forward], right[forward]], 1))
        found.append(torch.stack([right[backward], left[backward]], 1))
    rows = torch.cat(found)
    return ids[rows[(rows[:, 0] * size + rows[:, 1]).argsort()]]
