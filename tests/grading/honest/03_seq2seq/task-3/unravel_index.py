# unravel_index, double precision inside
import torch


def beam_step(scores, log_probs, finished, eos_id=2):
    b, k, v = log_probs.shape
    log_probs = log_probs.double()
    only_eos = torch.nn.functional.one_hot(torch.tensor(eos_id), v).to(log_probs).log()  # log 0 is minus infinity
    totals = scores.double().view(b, k, 1) + torch.where(finished.view(b, k, 1), only_eos, log_probs)
    values, index = totals.view(b, k * v).topk(k)
    parents, tokens = torch.unravel_index(index, (k, v))
    return values.to(scores.dtype), parents, tokens
