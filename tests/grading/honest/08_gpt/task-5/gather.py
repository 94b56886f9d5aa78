# gather along the places; what follows nothing becomes padding
import torch


def classify(hidden, lengths, weight, bias):
    places = (lengths - 1).view(-1, 1, 1).expand(-1, 1, hidden.size(2))
    return hidden.gather(1, places).squeeze(1).matmul(weight.t()) + bias


def fine_tuning_loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
    follows = torch.cat([ids[:, 1:], torch.full_like(ids[:, :1], pad_id)], 1)
    language = torch.nn.functional.cross_entropy(logits.flatten(0, 1), follows.flatten(), ignore_index=pad_id)
    return torch.nn.functional.cross_entropy(answers, labels) + language_weight * language
