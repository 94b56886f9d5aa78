# index_select on a flattened batch; losses with weights that are 0 for padding
import torch


def classify(hidden, lengths, weight, bias):
    batch, length, width = hidden.shape
    ends = torch.arange(batch) * length + lengths - 1
    return torch.nn.functional.linear(hidden.reshape(-1, width).index_select(0, ends), weight) + bias


def fine_tuning_loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
    classes = -torch.take_along_dim(answers.log_softmax(1), labels[:, None], 1).mean()
    chosen = torch.take_along_dim(logits[:, :-1].log_softmax(2), ids[:, 1:, None], 2)[..., 0]
    real = (ids[:, 1:] != pad_id).float()
    return classes - language_weight * (chosen * real).sum() / real.sum()
