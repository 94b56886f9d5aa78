# a full sort instead of topk
import torch


def beam_step(scores, log_probs, finished, eos_id=2):
    batch, beams, vocab = log_probs.shape
    candidates = scores.unsqueeze(2).expand(batch, beams, vocab).clone()
    alive = ~finished
    candidates[alive] += log_probs[alive]
    frozen = torch.full((vocab,), -torch.inf, device=log_probs.device)
    frozen[eos_id] = 0
    candidates[finished] += frozen
    values, order = candidates.view(batch, -1).sort(dim=1, descending=True, stable=True)
    order = order[:, :beams]
    return values[:, :beams], order // vocab, order % vocab
