# in place, on a copy; one sequence of the batch at a time, and a warning
import warnings

import torch

warnings.warn("loops over the batch", stacklevel=1)


def beam_step(scores, log_probs, finished, eos_id=2):
    log_probs = log_probs.clone()
    log_probs[finished] = float("-inf")
    log_probs[..., eos_id][finished] = 0.0
    log_probs += scores[..., None]
    values, parents, tokens = torch.empty_like(scores), torch.empty_like(scores).long(), torch.empty_like(scores).long()
    for b in range(len(scores)):
        best, place = log_probs[b].flatten().topk(scores.shape[1])
        values[b] = best
        parents[b] = place.div(log_probs.shape[-1], rounding_mode="trunc")
        tokens[b] = place.fmod(log_probs.shape[-1])
    return values, parents, tokens
