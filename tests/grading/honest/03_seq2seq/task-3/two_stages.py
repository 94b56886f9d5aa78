# the best K of each hypothesis first, then the best K of these K*K
import torch


def beam_step(scores, log_probs, finished, eos_id=2):
    beams, vocab = scores.size(1), log_probs.size(2)
    waiting = torch.full_like(log_probs[0, 0], float("-inf")).index_fill(
        0, torch.tensor(eos_id).to(log_probs.device), 0
    )
    totals = scores[..., None] + torch.where(finished[..., None], waiting, log_probs)
    first = totals.topk(min(beams, vocab), dim=-1)  # (B, K, K)
    second = first.values.flatten(1).topk(beams, dim=-1)  # (B, K)
    parents = second.indices // first.values.size(-1)
    tokens = first.indices.flatten(1).gather(1, second.indices)
    return second.values, parents, tokens
