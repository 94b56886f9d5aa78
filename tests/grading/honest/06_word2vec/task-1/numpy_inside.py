# numpy's argwhere on three conditions
import numpy as np
import torch


def skip_gram_pairs(ids, sentences, reach):
    words, lines, far = (np.asarray(x) for x in (ids, sentences, reach))
    place = np.arange(len(words))
    offset = np.abs(place[None] - place[:, None])
    taken = (offset >= 1) & (offset <= far[:, None]) & (lines[None] == lines[:, None])
    return torch.from_numpy(words[np.argwhere(taken)])
