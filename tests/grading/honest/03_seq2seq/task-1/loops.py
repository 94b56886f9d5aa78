# loops over rows and places, one token at a time, and rows rebuilt from lists
import torch


def shift(targets):
    inputs = []
    labels = []
    for row in targets.tolist():
        inputs.append(row[:-1])
        labels.append(row[1:])
    return (
        torch.tensor(inputs, device=targets.device),
        torch.tensor(labels, device=targets.device),
    )


def sequence_loss(logits, labels, pad_id=0):
    total = 0.0
    count = 0
    for b in range(labels.shape[0]):
        for t in range(labels.shape[1]):
            y = int(labels[b, t])
            if y == pad_id:
                continue
            total = total - torch.log_softmax(logits[b, t], dim=0)[y]
            count += 1
    return total / count
