# numpy, with a stable argsort of what is turned round
import numpy as np
import torch


def directions(vectors):
    v = vectors.numpy()
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def nearest_words(vectors, ids, k):
    d, i = directions(vectors), ids.numpy()
    scores = d[i] @ d.T
    scores[np.arange(len(i)), i] = -np.inf
    return torch.from_numpy(np.argsort(-scores, axis=1, kind="stable")[:, :k].copy())


def solve_analogies(vectors, questions):
    d, q = directions(vectors), questions.numpy()
    scores = (d[q[:, 1]] - d[q[:, 0]] + d[q[:, 2]]) @ d.T
    np.put_along_axis(scores, q, -np.inf, axis=1)
    return torch.from_numpy(scores.argmax(axis=1))
