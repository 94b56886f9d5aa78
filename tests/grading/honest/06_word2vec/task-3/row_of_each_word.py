# for every word of the vocabulary, what it has to learn; the result comes as a list
import torch
from torch.nn.functional import logsigmoid


def negative_sampling_loss(centre, context, negative):
    seen = torch.stack([u.dot(v) for u, v in zip(context, centre)])
    drawn = torch.stack([n @ v for n, v in zip(negative, centre)])
    return logsigmoid(seen).neg() - logsigmoid(-drawn).sum(1)


def skip_gram_gradients(centres, contexts, pairs, negatives):
    v, u, n = centres[pairs[:, 0]], contexts[pairs[:, 1]], contexts[negatives]
    seen = ((u * v).sum(1).sigmoid() - 1)[:, None]
    drawn = (n * v[:, None]).sum(2).sigmoid()[:, :, None]
    a, b, c = seen * u + (drawn * n).sum(1), seen * v, drawn * v[:, None]
    of_centres = [a[pairs[:, 0] == word].sum(0) for word in range(len(centres))]
    of_contexts = [b[pairs[:, 1] == word].sum(0) + c[negatives == word].sum(0) for word in range(len(contexts))]
    return [torch.stack(of_centres), torch.stack(of_contexts)]
