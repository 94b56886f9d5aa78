# no sort at all: for each token, how many are better, and how much probability they have together
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    z = logits / temperature
    if top_k is not None:
        better = (z.unsqueeze(-2) > z.unsqueeze(-1)).sum(-1)
        z = z.masked_fill(better >= top_k, float("-inf"))
    if top_p is not None:
        p = z.softmax(-1)
        earlier = torch.arange(z.size(-1)) < torch.arange(z.size(-1)).unsqueeze(-1)
        first = (p.unsqueeze(-2) > p.unsqueeze(-1)) | ((p.unsqueeze(-2) == p.unsqueeze(-1)) & earlier)
        before = (first * p.unsqueeze(-2)).sum(-1)
        best = torch.nn.functional.one_hot(z.argmax(-1), z.size(-1)).bool()
        z = z.masked_fill((before >= top_p) & ~best, float("-inf"))
    return z
