# double precision throughout, and returned so
import torch


def after_bos(ids, bos_id=1):
    moved = torch.roll(ids, shifts=1, dims=1)
    moved[:, 0] = bos_id
    return moved


def language_model_loss(logits, ids, pad_id=0):
    log_probs = torch.log_softmax(logits.double(), dim=-1)
    keep = ids.ne(pad_id)
    return -log_probs[keep].gather(1, ids[keep].unsqueeze(1)).mean()
