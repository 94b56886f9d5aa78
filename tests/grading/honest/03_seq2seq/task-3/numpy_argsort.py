# numpy: where, argsort of the negated table, divmod
import numpy as np
import torch


def beam_step(scores, log_probs, finished, eos_id=2):
    s, p, f = (tensor.detach().cpu().numpy() for tensor in (scores, log_probs, finished))
    batch, beams, vocab = p.shape
    waiting = np.where(np.arange(vocab) == eos_id, 0.0, -np.inf)
    totals = s[..., None] + np.where(f[..., None], waiting, p)
    flat = totals.reshape(batch, beams * vocab)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :beams]
    parents, tokens = np.divmod(order, vocab)
    best = np.take_along_axis(flat, order, axis=1)
    return (
        torch.as_tensor(best, dtype=scores.dtype, device=scores.device),
        torch.as_tensor(parents, device=scores.device),
        torch.as_tensor(tokens, device=scores.device),
    )
