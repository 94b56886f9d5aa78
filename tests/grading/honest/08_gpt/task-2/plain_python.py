# lists and the math module only
import math

import torch


def after_bos(ids, bos_id=1):
    return torch.tensor([[bos_id, *row][: len(row)] for row in ids.tolist()])


def language_model_loss(logits, ids, pad_id=0):
    surprises = []
    for scores, row in zip(logits.tolist(), ids.tolist()):
        for z, token in zip(scores, row):
            if token == pad_id:
                continue
            top = max(z)
            surprises.append(math.log(math.fsum(math.exp(x - top) for x in z)) + top - z[token])
    return sum(surprises) / len(surprises)
