# a heap of pairs, minus the cosine and the id
import heapq

import torch
from torch.nn.functional import normalize


def nearest_words(vectors, ids, k):
    d = normalize(vectors, dim=-1)
    answers = []
    for i in ids.tolist():
        scores = (d @ d[i]).tolist()
        best = heapq.nsmallest(k, ((-score, j) for j, score in enumerate(scores) if j != i))
        answers.append([j for _, j in best])
    return torch.tensor(answers)


def solve_analogies(vectors, questions):
    d = normalize(vectors, dim=-1)
    answers = []
    for a, b, c in questions.tolist():
        scores = (d @ (d[b] - d[a] + d[c])).tolist()
        answers.append(heapq.nsmallest(1, ((-s, j) for j, s in enumerate(scores) if j not in {a, b, c}))[0][1])
    return torch.tensor(answers)
