# every place by itself
import torch


def after_bos(ids, bos_id=1):
    rows = []
    for row in ids.tolist():
        rows.append([bos_id] + row[:-1])
    return torch.tensor(rows)


def language_model_loss(logits, ids, pad_id=0):
    total, count = 0.0, 0
    for b in range(len(ids)):
        for t in range(ids.size(1)):
            if ids[b, t] != pad_id:
                total = total - torch.log_softmax(logits[b, t], 0)[ids[b, t]]
                count += 1
    return total / count
