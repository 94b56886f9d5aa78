# a module and a helper function of the learner's own do the work
import torch
from torch import nn


def real_places(labels, pad_id):
    return labels != pad_id


class SequenceLoss(nn.Module):
    def __init__(self, pad_id):
        super().__init__()
        self.pad_id = pad_id
        self.each = nn.CrossEntropyLoss(reduction="none")

    def forward(self, logits, labels):
        losses = self.each(logits.permute(0, 2, 1), labels)
        real = real_places(labels, self.pad_id)
        return torch.masked_select(losses, real).mean()


class Shifter:
    def __call__(self, rows):
        return rows[:, : rows.size(1) - 1], rows[:, 1:]


_shifter = Shifter()


def shift(targets):
    return _shifter(targets)


def sequence_loss(logits, labels, pad_id=0):
    return SequenceLoss(pad_id)(logits, labels)
