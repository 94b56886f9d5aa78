# sorted upwards, as transformers has it: the tail goes that sums to no more than 1 - p
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    scores = logits / temperature
    if top_k is not None:
        k = min(top_k, scores.shape[-1])
        scores = scores.masked_fill(scores < torch.topk(scores, k)[0][..., -1, None], -float("inf"))
    if top_p is not None:
        ascending, places = torch.sort(scores, descending=False)
        tail = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1 - top_p
        tail[..., -1:] = False
        scores = scores.masked_fill(tail.scatter(-1, places, tail), -float("inf"))
    return scores
