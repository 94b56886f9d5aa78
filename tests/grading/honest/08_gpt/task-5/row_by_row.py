# texts one at a time, cut where they end
import torch
from torch.nn.functional import cross_entropy


def classify(hidden, lengths, weight, bias):
    return torch.cat([text[: int(n)][-1:] @ weight.T + bias for text, n in zip(hidden, lengths)])


def fine_tuning_loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
    kept_logits, kept_ids = [], []
    for scores, text in zip(logits, ids):
        real = int((text != pad_id).sum())
        kept_logits.append(scores[: real - 1])
        kept_ids.append(text[1:real])
    language = cross_entropy(torch.cat(kept_logits), torch.cat(kept_ids))
    return language.mul(language_weight).add(cross_entropy(answers, labels))
