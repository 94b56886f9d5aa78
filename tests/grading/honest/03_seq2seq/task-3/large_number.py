# a very small log-probability instead of minus infinity; einsum to copy the scores
import torch

NEVER = -1e9


def beam_step(scores, log_probs, finished, eos_id=2):
    vocab = log_probs.shape[-1]
    ones = torch.ones(vocab, dtype=scores.dtype, device=scores.device)
    wait = ones * NEVER
    wait[eos_id] = 0
    table = torch.where(finished[..., None].bool(), wait, log_probs)
    totals = torch.stack([table[..., v] + scores for v in range(vocab)], dim=-1)
    result = totals.flatten(-2).topk(scores.shape[-1])
    parents = (result.indices / vocab).floor().long()
    return result.values, parents, result.indices - parents * vocab
