# vmap over rows, a decorator, and a generator of column pairs
import functools

import torch


def counted(function):
    """Counts calls, as learners do who want to see what the training loop does."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@counted
def shift(targets):
    def columns():
        for t in range(targets.shape[1] - 1):
            yield targets[:, t], targets[:, t + 1]

    before, after = zip(*columns())
    return torch.stack(before, dim=-1), torch.stack(after, dim=-1)


@counted
def sequence_loss(logits, labels, pad_id=0):
    def row_sum(row, wanted):
        log_probs = torch.log_softmax(row, -1)
        picked = torch.gather(log_probs, 1, wanted.unsqueeze(-1)).squeeze(-1)
        return torch.where(wanted == pad_id, torch.zeros_like(picked), picked).sum()

    return -torch.vmap(row_sum)(logits, labels).sum() / torch.count_nonzero(labels - pad_id)
