# plain Python: tuples on a heap, one sequence of the batch at a time
import heapq

import torch


def continuations(score, row, done, eos_id):
    if done:
        return [(score, eos_id)]
    return [(score + p, token) for token, p in enumerate(row)]


def beam_step(scores, log_probs, finished, eos_id=2):
    beams = scores.shape[1]
    new_scores, parents, tokens = [], [], []
    for b_scores, b_rows, b_done in zip(scores.tolist(), log_probs.tolist(), finished.tolist()):
        candidates = []
        for k, (score, row, done) in enumerate(zip(b_scores, b_rows, b_done)):
            candidates += [(total, k, token) for total, token in continuations(score, row, done, eos_id)]
        best = heapq.nlargest(beams, candidates, key=lambda candidate: candidate[0])
        new_scores.append([total for total, _, _ in best])
        parents.append([k for _, k, _ in best])
        tokens.append([token for _, _, token in best])
    device = log_probs.device
    return (
        torch.tensor(new_scores, device=device),
        torch.tensor(parents, device=device),
        torch.tensor(tokens, device=device),
    )
