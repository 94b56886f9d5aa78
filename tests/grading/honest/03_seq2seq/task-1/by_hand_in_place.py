# the softmax by hand, in place on copies of its own, with prints and a warning
import sys
import warnings

import torch

print("loss by hand; torch", torch.__version__)
print("starting", file=sys.stderr)
warnings.warn("this is slower than F.cross_entropy", stacklevel=1)


def shift(targets):
    print("shift:", tuple(targets.shape))
    inputs, labels = targets.clone(), targets.clone()
    return inputs[:, :-1].contiguous(), labels[:, 1:].contiguous()


def sequence_loss(logits, labels, pad_id=0):
    scores = logits.clone()
    scores = scores - scores.amax(-1, keepdim=True)
    normaliser = scores.exp().sum(-1).log_()
    b, t = labels.shape
    rows, columns = torch.arange(b)[:, None], torch.arange(t)[None, :]
    losses = normaliser - scores[rows, columns, labels]
    losses[labels == pad_id] = 0
    print("loss on", int((labels != pad_id).sum()), "tokens", file=sys.stderr)
    return losses.sum().div_((labels != pad_id).sum())
