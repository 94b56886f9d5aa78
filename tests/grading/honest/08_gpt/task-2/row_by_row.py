# one text at a time, cut where its padding begins
import torch


def after_bos(ids, bos_id=1):
    begin = torch.tensor([bos_id])
    return torch.stack([torch.cat((begin, row[:-1])) for row in ids])


def language_model_loss(logits, ids, pad_id=0):
    total = torch.zeros(())
    for scores, row in zip(logits, ids):
        length = int((row != pad_id).sum())
        total = total + torch.nn.functional.cross_entropy(scores[:length], row[:length], reduction="sum")
    return total / (ids != pad_id).sum()
