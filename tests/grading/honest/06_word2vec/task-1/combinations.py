# all combinations of two places, filtered
import torch


def skip_gram_pairs(ids, sentences, reach):
    places = torch.cartesian_prod(torch.arange(len(ids)), torch.arange(len(ids))).view(-1, 2)
    i, j = places.T
    distance = torch.abs(i - j)
    keep = distance.gt(0) & distance.le(reach[i]) & sentences[i].eq(sentences[j])
    return torch.stack((ids[i[keep]], ids[j[keep]]), dim=1)
