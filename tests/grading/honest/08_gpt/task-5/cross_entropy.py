# torch's losses, flattened, with an index to ignore
import torch
import torch.nn.functional as F


def classify(hidden, lengths, weight, bias):
    batch = torch.arange(hidden.shape[0])
    return F.linear(hidden[batch, lengths - 1], weight, bias)


def fine_tuning_loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
    vocab = logits.size(-1)
    lm = F.cross_entropy(logits[:, :-1].reshape(-1, vocab), ids[:, 1:].reshape(-1), ignore_index=pad_id)
    return F.cross_entropy(answers, labels) + language_weight * lm
