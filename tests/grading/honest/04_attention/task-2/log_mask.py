# the logarithm of the mask is 0 where it allows and minus infinity where it does not
import torch


def masked_softmax(scores, mask):
    return (scores + mask.to(scores.dtype).log()).log_softmax(-1).exp()
