# leading axes flattened to one; torch.where with minus infinities
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    shape, vocab = logits.shape, logits.shape[-1]
    flat = logits.reshape(-1, vocab) / temperature
    gone = torch.full_like(flat, float("-inf"))
    if top_k is not None and top_k < vocab:
        flat = torch.where(flat >= flat.topk(top_k, 1).values.amin(1, keepdim=True), flat, gone)
    if top_p is not None:
        p, order = flat.softmax(1).sort(1, True)
        cut = torch.roll(p.cumsum(1) >= top_p, 1, 1)
        cut[:, 0] = False
        flat = flat.scatter(1, order, torch.where(cut, gone, flat.gather(1, order)))
    return flat.view(shape)
