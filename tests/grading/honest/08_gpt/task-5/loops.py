# every text and every token by itself
import torch


def classify(hidden, lengths, weight, bias):
    rows = []
    for b in range(len(hidden)):
        state = hidden[b][int(lengths[b]) - 1]
        rows.append(torch.stack([(state * weight[c]).sum() + bias[c] for c in range(len(bias))]))
    return torch.stack(rows)


def fine_tuning_loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
    classes = sum(-answers[b].log_softmax(0)[labels[b]] for b in range(len(labels))) / len(labels)
    surprises = []
    for b in range(len(ids)):
        for t in range(ids.size(1) - 1):
            if ids[b, t + 1] != pad_id:
                surprises.append(-logits[b, t].log_softmax(0)[ids[b, t + 1]])
    return classes + language_weight * sum(surprises) / len(surprises)
