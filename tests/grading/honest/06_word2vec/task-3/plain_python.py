# math and lists only
import math

import torch


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def minus_log_sigmoid(x):
    return max(-x, 0.0) + math.log1p(math.exp(-abs(x)))


def negative_sampling_loss(centre, context, negative):
    losses = []
    for v, u, drawn in zip(centre.tolist(), context.tolist(), negative.tolist()):
        losses.append(minus_log_sigmoid(dot(u, v)) + sum(minus_log_sigmoid(-dot(n, v)) for n in drawn))
    return torch.tensor(losses)


def skip_gram_gradients(centres, contexts, pairs, negatives):
    a, b = centres.tolist(), contexts.tolist()
    da, db = ([[0.0] * len(row) for row in table] for table in (a, b))
    for (c, o), drawn in zip(pairs.tolist(), negatives.tolist()):
        terms = [(o, sigmoid(dot(b[o], a[c])) - 1)] + [(n, sigmoid(dot(b[n], a[c]))) for n in drawn]
        for word, error in terms:
            for d in range(len(a[c])):
                da[c][d] += error * b[word][d]
                db[word][d] += error * a[c][d]
    return torch.tensor(da), torch.tensor(db)
