# lists and the math module
import math

import torch


def classify(hidden, lengths, weight, bias):
    last = [row[n - 1] for row, n in zip(hidden.tolist(), lengths.tolist())]
    layer = list(zip(weight.tolist(), bias.tolist()))
    return torch.tensor([[math.fsum(a * b for a, b in zip(state, w)) + c for w, c in layer] for state in last])


def surprise(z, right):
    top = max(z)
    return top + math.log(math.fsum(math.exp(x - top) for x in z)) - z[right]


def fine_tuning_loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
    classes = [surprise(z, y) for z, y in zip(answers.tolist(), labels.tolist())]
    language = [
        surprise(z, token)
        for rows, text in zip(logits.tolist(), ids.tolist())
        for z, token in zip(rows, text[1:])
        if token != pad_id
    ]
    return math.fsum(classes) / len(classes) + language_weight * math.fsum(language) / len(language)
