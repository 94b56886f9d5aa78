# a few thousand pairs at a time; log_softmax of two classes for the loss
import torch


def negative_sampling_loss(centre, context, negative):
    seen, drawn = (context * centre).sum(-1), (negative * centre[:, None]).sum(-1)
    right = torch.cat([seen[:, None], -drawn], 1)
    return -torch.stack([right, torch.zeros_like(right)], -1).log_softmax(-1)[..., 0].sum(1)


def skip_gram_gradients(centres, contexts, pairs, negatives):
    totals = [torch.zeros_like(centres), torch.zeros_like(contexts)]
    for pair, drawn in zip(pairs.split(2000), negatives.split(2000)):
        v, words = centres[pair[:, 0]], torch.hstack([pair[:, 1:], drawn])
        others = contexts[words]
        errors = torch.sigmoid((others @ v.unsqueeze(-1)).squeeze(-1)) - torch.eye(1, words.size(1))
        totals[0] = totals[0].index_add(0, pair[:, 0], (errors.unsqueeze(1) @ others).squeeze(1))
        totals[1] = totals[1].index_add(0, words.flatten(), (errors.unsqueeze(-1) * v.unsqueeze(1)).flatten(0, 1))
    return tuple(totals)
