# numpy for the shift, torch.distributions for the log-probabilities
import numpy as np
import torch
from torch.distributions import Categorical


def shift(targets):
    table = targets.cpu().numpy()
    inputs, labels = np.delete(table, -1, axis=1), np.delete(table, 0, axis=1)
    return torch.from_numpy(inputs).to(targets.device), torch.from_numpy(labels).to(targets.device)


def sequence_loss(logits, labels, pad_id=0):
    log_probs = Categorical(logits=logits).log_prob(labels)
    return -log_probs[labels != pad_id].mean()
