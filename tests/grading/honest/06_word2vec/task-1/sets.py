# sets of places, sorted at the end; 32-bit integers
import torch


def skip_gram_pairs(ids, sentences, reach):
    size = len(ids)
    near = {(i, i + s * d) for i in range(size) for d in range(1, int(reach[i]) + 1) for s in (-1, 1)}
    inside = {(i, j) for i, j in near if 0 <= j < size}
    together = {(i, j) for i, j in inside if int(sentences[i]) == int(sentences[j])}
    rows = [[int(ids[i]), int(ids[j])] for i, j in sorted(together)]
    return torch.tensor(rows, dtype=torch.int32) if rows else torch.zeros(0, 2, dtype=torch.int32)
