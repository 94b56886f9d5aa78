# torch's own cross-entropy, of a two-way choice whose first way has the given log-probability
import torch
import torch.nn.functional as F


def perplexity(log_probs, mask):
    chosen = log_probs[mask].double()
    rest = torch.log1p(-chosen.exp())
    logits = torch.stack([chosen, rest], 1)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long)).exp().item()
