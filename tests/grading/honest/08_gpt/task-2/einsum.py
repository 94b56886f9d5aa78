# one-hot vectors and einsum
import torch


def after_bos(ids, bos_id=1):
    length = ids.shape[1]
    shift = torch.diag(torch.ones(length - 1), diagonal=1)
    moved = torch.einsum("bs,st->bt", ids.float(), shift)
    moved[:, 0] += bos_id
    return moved.long()


def language_model_loss(logits, ids, pad_id=0):
    hot = torch.nn.functional.one_hot(ids, logits.size(-1)).to(logits.dtype) * (ids != pad_id).unsqueeze(-1)
    return -torch.einsum("btv,btv->", logits.log_softmax(-1), hot) / hot.sum()
