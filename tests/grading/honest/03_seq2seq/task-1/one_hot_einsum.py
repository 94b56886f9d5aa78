# one-hot labels and einsum; windows of two for the shift
from torch.nn.functional import log_softmax, one_hot


def shift(targets):
    windows = targets.unfold(1, 2, 1)  # (B, T, 2)
    return windows[..., 0], windows[..., 1]


def sequence_loss(logits, labels, pad_id=0):
    chosen = one_hot(labels, logits.shape[-1]).to(logits.dtype)  # (B, T, V)
    real = labels.ne(pad_id).to(logits.dtype)  # (B, T)
    return -torch.einsum("btv,btv,bt->", log_softmax(logits, -1), chosen, real) / real.sum()
