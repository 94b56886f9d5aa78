# a module of torch's, made for the purpose
import torch
from torch import nn


class Shift(nn.Module):
    def __init__(self, bos_id):
        super().__init__()
        self.register_buffer("bos", torch.tensor([[bos_id]]))

    def forward(self, ids):
        return torch.cat([self.bos.expand(len(ids), 1), ids.narrow(1, 0, ids.size(1) - 1)], dim=1)


def after_bos(ids, bos_id=1):
    return Shift(bos_id)(ids)


def language_model_loss(logits, ids, pad_id=0):
    loss = nn.CrossEntropyLoss(ignore_index=pad_id, reduction="sum")(logits.permute(0, 2, 1), ids)
    return loss / torch.count_nonzero(ids - pad_id)
