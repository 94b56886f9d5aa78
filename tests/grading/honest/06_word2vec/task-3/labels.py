# all K + 1 scores at once, with labels 1 and 0
import torch
from torch.nn import functional as F


def scores_of(centre, others):
    return torch.einsum("pd,pkd->pk", centre, others)


def negative_sampling_loss(centre, context, negative):
    scores = scores_of(centre, torch.cat([context.unsqueeze(1), negative], 1))
    labels = torch.zeros_like(scores)
    labels[:, 0] = 1
    return F.binary_cross_entropy_with_logits(scores, labels, reduction="none").sum(1)


def skip_gram_gradients(centres, contexts, pairs, negatives):
    ids = torch.cat([pairs[:, 1:], negatives], 1)
    v, others = centres[pairs[:, 0]], contexts[ids]
    errors = scores_of(v, others).sigmoid()
    errors[:, 0] -= 1
    of_centres = torch.zeros_like(centres).index_add(0, pairs[:, 0], torch.einsum("pk,pkd->pd", errors, others))
    outer = torch.einsum("pk,pd->pkd", errors, v)
    return of_centres, torch.zeros_like(contexts).index_add(0, ids.reshape(-1), outer.reshape(-1, v.size(1)))
