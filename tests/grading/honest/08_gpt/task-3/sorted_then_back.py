# everything is done on sorted logits, which go back at the end
import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    down, order = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        k = min(top_k, down.size(-1))
        down = down.masked_fill(down < down[..., k - 1 : k], -torch.inf)
    if top_p is not None:
        share = down.softmax(-1)
        enough = share.cumsum(-1).sub(share).ge(top_p)
        enough[..., :1] = False
        down = down.masked_fill(enough, -torch.inf)
    return torch.empty_like(down).scatter_(-1, order, down)
