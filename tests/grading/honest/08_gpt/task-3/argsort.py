# ranks by sorting twice
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    logits = logits / temperature
    if top_k is not None and top_k < logits.size(-1):
        limit = logits.sort(-1, descending=True).values[..., top_k - 1]
        logits = torch.where(logits >= limit.unsqueeze(-1), logits, -torch.inf)
    if top_p is not None:
        order = logits.argsort(-1, descending=True)
        rank = order.argsort(-1)
        probabilities = logits.softmax(-1).gather(-1, order)
        before = torch.nn.functional.pad(probabilities.cumsum(-1), (1, 0))[..., :-1]
        gone = (before >= top_p).gather(-1, rank)
        logits = torch.where(gone, -torch.inf, logits)
    return logits
