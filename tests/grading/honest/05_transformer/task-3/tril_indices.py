# indices of the lower triangle; the padding's columns are taken out, the diagonal put back
import torch


def causal_mask(size):
    mask = torch.zeros((size, size), dtype=torch.bool)
    mask[tuple(torch.tril_indices(size, size))] = True
    return mask


def decoder_mask(ids, pad_id=0):
    mask = causal_mask(ids.size(1)).repeat(ids.size(0), 1, 1)
    mask = mask.masked_fill((ids == pad_id).unsqueeze(1), False)
    places = torch.arange(ids.size(1))
    mask[:, places, places] = True
    return mask[:, None]
