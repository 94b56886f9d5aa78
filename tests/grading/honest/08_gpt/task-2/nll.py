# log-softmax first, then the negative log-likelihood
import torch


def after_bos(ids, bos_id=1):
    places = torch.arange(ids.size(1)) - 1
    return torch.where(places < 0, bos_id, ids[:, places])


def language_model_loss(logits, ids, pad_id=0):
    vocab = logits.size(-1)
    return torch.nn.functional.nll_loss(logits.log_softmax(-1).reshape(-1, vocab), ids.reshape(-1), ignore_index=pad_id)
