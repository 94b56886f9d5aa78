# torch's own cross-entropy, told which label to ignore; narrow instead of slices
import torch.nn.functional as F


def shift(targets):
    """Cut padded targets into what the decoder reads and what it must say."""
    length = targets.size(1) - 1
    return targets.narrow(1, 0, length), targets.narrow(1, 1, length)


def sequence_loss(logits, labels, pad_id=0):
    """Mean cross-entropy over the real labels of the batch, in nats."""
    return F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=pad_id)
