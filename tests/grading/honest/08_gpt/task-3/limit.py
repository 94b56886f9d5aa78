# top-p as a limit: the least probability that stays
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    logits = logits * (1 / temperature)
    if top_k is not None:
        limit = torch.kthvalue(-logits, min(top_k, logits.size(-1)), keepdim=True).values
        logits = torch.where(-logits <= limit, logits, float("-inf"))
    if top_p is not None and top_p < 1:
        probabilities = torch.softmax(logits, -1)
        ordered = probabilities.sort(-1, descending=True).values
        reached = (ordered.cumsum(-1) < top_p).sum(-1, keepdim=True)
        least = ordered.gather(-1, reached.clamp(max=logits.size(-1) - 1))
        logits = logits.masked_fill(probabilities < least, float("-inf"))
    return logits
