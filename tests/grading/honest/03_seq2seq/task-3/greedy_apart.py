# one hypothesis is treated apart, as greedy search; prints what it does
import torch


def greedy(scores, log_probs, finished, eos_id):
    best = log_probs[:, 0].max(-1)
    tokens = best.indices.masked_fill(finished[:, 0], eos_id)
    gained = best.values.masked_fill(finished[:, 0], 0.0)
    return scores + gained[:, None], torch.zeros_like(tokens)[:, None], tokens[:, None]


def beam_step(scores, log_probs, finished, eos_id=2):
    batch, beams, vocab = log_probs.size()
    if beams == 1:
        print("greedy")
        return greedy(scores, log_probs, finished, eos_id)
    print("beam of", beams)
    rows = []
    for k in range(beams):
        waits = finished[:, k].unsqueeze(-1)
        row = log_probs[:, k].masked_fill(waits, float("-inf"))
        row = torch.cat([row[:, :eos_id], row[:, eos_id : eos_id + 1].masked_fill(waits, 0.0), row[:, eos_id + 1 :]], 1)
        rows.append(scores[:, k : k + 1] + row)
    values, indices = torch.cat(rows, dim=1).topk(beams)
    owner = torch.arange(beams, device=scores.device).repeat_interleave(vocab)
    token = torch.arange(vocab, device=scores.device).repeat(beams)
    return values, owner[indices], token[indices]
