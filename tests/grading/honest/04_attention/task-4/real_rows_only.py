# the real rows are picked first; the path is put back into a table of -1
import torch


def alignment_path(weights, target_lengths):
    places = [(b, t) for b, n in enumerate(target_lengths.tolist()) for t in range(n)]
    rows, steps = torch.tensor(places).T
    return torch.full(weights.shape[:2], -1).index_put((rows, steps), weights[rows, steps].argmax(1))


def attention_entropy(weights, target_lengths):
    rows = torch.cat([w[: int(n)] for w, n in zip(weights, target_lengths)])
    return -torch.xlogy(rows, rows).sum(1).mean()
