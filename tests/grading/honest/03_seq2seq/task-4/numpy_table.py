# numpy: a table of integers, and numpy's own floats as the answer
import numpy as np


def edits(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=np.int64)
    table[:, 0] = np.arange(len(a) + 1)
    table[0] = np.arange(len(b) + 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, table[i, j] + (x != y))
    return table[-1, -1]


def error_rates(hypotheses, references):
    rows = []
    for mine, ways in zip(hypotheses, references):
        counts = np.array([edits(mine, way) for way in ways])
        lengths = np.array([len(way) for way in ways])
        nearest = counts == counts.min()
        rows.append((counts.min(), lengths[nearest].max()))
    rows = np.array(rows)
    return rows[:, 0].sum() / rows[:, 1].sum(), np.mean(rows[:, 0] > 0)
