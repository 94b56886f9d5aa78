# surprises of 0 for padding, divided by the number of the others
import torch


def after_bos(ids, bos_id=1):
    start = ids.new_full((ids.size(0), 1), bos_id)
    return torch.hstack((start, ids))[:, : ids.size(1)]


def language_model_loss(logits, ids, pad_id=0):
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids, reduction="none")
    padding = ids == pad_id
    return losses.masked_fill(padding, 0).sum() / (~padding).sum()
