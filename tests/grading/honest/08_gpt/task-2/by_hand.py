# logsumexp less the logit that was right
import torch


def after_bos(ids, bos_id=1):
    read = torch.empty_like(ids)
    read[:, 0] = bos_id
    read[:, 1:] = ids[:, :-1]
    return read


def language_model_loss(logits, ids, pad_id=0):
    right = torch.gather(logits, 2, ids[:, :, None])[:, :, 0]
    surprise = torch.logsumexp(logits, 2) - right
    real = (ids != pad_id).to(surprise.dtype)
    return (surprise * real).sum() / real.sum()
