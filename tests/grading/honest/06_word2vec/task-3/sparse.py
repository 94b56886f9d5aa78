# sparse tensors that are summed when they are coalesced
import torch
from torch.nn.functional import logsigmoid


def negative_sampling_loss(centre, context, negative):
    signs = torch.tensor([1.0] + [-1.0] * negative.size(1))
    scores = torch.cat([context[:, None], negative], 1).matmul(centre[:, :, None]).squeeze(2)
    return -logsigmoid(signs * scores).sum(1)


def rows(ids, gradients, like):
    return (
        torch.sparse_coo_tensor(ids.view(1, -1), gradients.reshape(-1, like.size(1)), like.shape).coalesce().to_dense()
    )


def skip_gram_gradients(centres, contexts, pairs, negatives):
    v, u, n = centres[pairs[:, 0]], contexts[pairs[:, 1]], contexts[negatives]
    e = (u * v).sum(1, keepdim=True).sigmoid().sub(1)
    f = (n @ v[..., None]).sigmoid()
    return (
        rows(pairs[:, 0].contiguous(), e * u + (f.mT @ n)[:, 0], centres),
        rows(pairs[:, 1].contiguous(), e * v, contexts) + rows(negatives, f * v[:, None], contexts),
    )
