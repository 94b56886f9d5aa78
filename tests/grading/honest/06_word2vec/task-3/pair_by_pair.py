# one pair after the other
import torch
from torch.nn.functional import logsigmoid


def negative_sampling_loss(centre, context, negative):
    losses = []
    for v, u, drawn in zip(centre, context, negative):
        loss = -logsigmoid(u @ v)
        for n in drawn:
            loss = loss - logsigmoid(-(n @ v))
        losses.append(loss)
    return torch.stack(losses)


def skip_gram_gradients(centres, contexts, pairs, negatives):
    of_centres, of_contexts = torch.zeros_like(centres), torch.zeros_like(contexts)
    for (c, o), drawn in zip(pairs.tolist(), negatives.tolist()):
        v = centres[c]
        for word, seen in [(o, 1)] + [(n, 0) for n in drawn]:
            error = torch.sigmoid(contexts[word] @ v) - seen
            of_centres[c] += error * contexts[word]
            of_contexts[word] += error * v
    return of_centres, of_contexts
