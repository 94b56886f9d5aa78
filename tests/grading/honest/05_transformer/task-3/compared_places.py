# numbers of places compared by broadcasting
import torch


def causal_mask(size):
    places = torch.arange(size)
    return places[None, :] <= places[:, None]


def decoder_mask(ids, pad_id=0):
    places = torch.arange(ids.size(1))
    before, itself = places < places[:, None], places == places[:, None]
    return (before & (ids != pad_id)[:, None, None, :]) | itself
