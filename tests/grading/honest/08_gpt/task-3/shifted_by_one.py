# what comes after the sum has passed p goes: the verdict is shifted by one place
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    logits = torch.div(logits, temperature)
    if top_k is not None:
        values, _ = torch.topk(logits, min(top_k, logits.size(-1)))
        logits = logits.masked_fill(logits < values[..., -1].unsqueeze(-1), float("-inf"))
    if top_p is not None and top_p < 1.0:
        ordered, indices = torch.sort(logits, descending=True)
        remove = torch.cumsum(torch.softmax(ordered, dim=-1), dim=-1) > top_p
        remove[..., 1:] = remove[..., :-1].clone()
        remove[..., 0] = 0
        logits = logits.masked_fill(remove.scatter(-1, indices, remove), float("-inf"))
    return logits
