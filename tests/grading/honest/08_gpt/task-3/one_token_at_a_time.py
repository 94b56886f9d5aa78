# a nucleus that grows until it is large enough
import torch


def one(row, top_k, top_p):
    if top_k is not None:
        kept = sorted(row.tolist(), reverse=True)[:top_k]
        row = torch.where(row < kept[-1] - 1e-9, torch.tensor(-torch.inf), row)
    if top_p is not None:
        probabilities, nucleus, total = row.softmax(0), [], 0.0
        for token in probabilities.argsort(descending=True).tolist():
            if total >= top_p:
                break
            nucleus.append(token)
            total += probabilities[token].item()
        only = torch.full_like(row, -torch.inf)
        only[nucleus] = row[nucleus]
        row = only
    return row


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    rows = (logits / temperature).reshape(-1, logits.size(-1))
    return torch.stack([one(row, top_k, top_p) for row in rows]).reshape(logits.shape)
