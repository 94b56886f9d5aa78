# torch's loss does all of it
import torch.nn.functional as F


def after_bos(ids, bos_id=1):
    return F.pad(ids, (1, 0), value=bos_id)[:, :-1]


def language_model_loss(logits, ids, pad_id=0):
    return F.cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=pad_id)
