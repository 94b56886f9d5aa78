# vmap over the batch, of a function for one sequence
from functools import partial

import torch


def one(scores, log_probs, finished, eos_id):
    waiting = torch.where(torch.arange(log_probs.size(-1), device=log_probs.device) == eos_id, 0.0, -torch.inf)
    totals = scores[:, None] + torch.where(finished[:, None], waiting[None], log_probs)
    best, place = totals.reshape(-1).topk(scores.size(0))
    return best, place // log_probs.size(-1), place % log_probs.size(-1)


def beam_step(scores, log_probs, finished, eos_id=2):
    return torch.vmap(partial(one, eos_id=eos_id))(scores, log_probs, finished)
