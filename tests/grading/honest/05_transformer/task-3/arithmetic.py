# a product of zeros and ones, of which more than nothing is True; the device and the kind of ids are respected
import torch


def causal_mask(size):
    one = torch.ones(size)
    return torch.outer(one, one).tril() > 0.5


def decoder_mask(ids, pad_id=0):
    early = causal_mask(ids.size(1)).to(ids)
    real = (ids - pad_id).abs().clamp(max=1)[:, None, None]
    return (early * real + torch.eye(ids.size(1)).to(ids)).bool()
