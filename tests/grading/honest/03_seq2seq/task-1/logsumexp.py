# logsumexp minus the label's logit, weights instead of a mask, index tensors
def shift(targets):
    n = targets.shape[1]
    index = torch.arange(n - 1, device=targets.device)
    return targets.index_select(1, index), targets.index_select(1, index + 1)


def sequence_loss(logits, labels, pad_id=0):
    mine = torch.take_along_dim(logits, labels[..., None], -1)[..., 0]
    losses = torch.logsumexp(logits, -1) - mine
    weights = torch.where(labels == pad_id, 0.0, 1.0)
    return (losses * weights / weights.sum()).sum()
