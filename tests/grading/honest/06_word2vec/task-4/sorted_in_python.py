# lists, sorted by minus the cosine and the id
import math

import torch


def unit(row):
    length = math.sqrt(math.fsum(x * x for x in row))
    return [x / length for x in row]


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def nearest_words(vectors, ids, k):
    rows = [unit(row) for row in vectors.tolist()]
    found = []
    for i in ids.tolist():
        others = [j for j in range(len(rows)) if j != i]
        found.append(sorted(others, key=lambda j: (-dot(rows[i], rows[j]), j))[:k])
    return torch.tensor(found)


def solve_analogies(vectors, questions):
    rows = [unit(row) for row in vectors.tolist()]
    answers = []
    for a, b, c in questions.tolist():
        wanted = [y - x + z for x, y, z in zip(rows[a], rows[b], rows[c])]
        answers.append(max((j for j in range(len(rows)) if j not in (a, b, c)), key=lambda j: dot(wanted, rows[j])))
    return torch.tensor(answers)
