# cross-entropy with a weight of zero for the padding's class; lambdas under the asked names
import torch
from torch.nn import functional as nnf

cut = lambda tensor, start, stop: tensor[:, start:stop]
shift = lambda targets: [cut(targets, None, -1), cut(targets, 1, None)]


def sequence_loss(logits, labels, pad_id=0):
    classes = logits.shape[-1]
    weight = torch.ones(classes, dtype=logits.dtype, device=logits.device)
    weight[pad_id] = 0.0
    return nnf.cross_entropy(logits.reshape(-1, classes), labels.reshape(-1), weight=weight)
