# double precision inside, back to the caller's precision at the end
import torch


def shift(targets):
    inputs, _ = torch.split(targets, [targets.shape[1] - 1, 1], dim=1)
    _, labels = torch.split(targets, [1, targets.shape[1] - 1], dim=1)
    return inputs, labels


def sequence_loss(logits, labels, pad_id=0):
    log_probs = logits.to(torch.float64).log_softmax(-1)
    picked = log_probs.gather(2, labels[:, :, None])[:, :, 0]
    real = (labels != pad_id).to(torch.float64)
    return (-(picked * real).sum() / real.sum()).to(logits.dtype)
