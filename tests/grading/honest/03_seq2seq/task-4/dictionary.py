# a dictionary of places, and progress on stderr
from tqdm import tqdm


def edits(a, b):
    d = {}
    for i in range(-1, len(a)):
        d[i, -1] = i + 1
    for j in range(-1, len(b)):
        d[-1, j] = j + 1
    for i in range(len(a)):
        for j in range(len(b)):
            cost = 0 if a[i] == b[j] else 1
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[len(a) - 1, len(b) - 1]


def error_rates(hypotheses, references):
    total, size, wrong = 0, 0, 0
    for mine, ways in tqdm(list(zip(hypotheses, references)), desc="words"):
        by_length = sorted(ways, key=len, reverse=True)  # the longer one first, and min keeps the first
        way = min(by_length, key=lambda way: edits(mine, way))
        total, size, wrong = total + edits(mine, way), size + len(way), wrong + bool(edits(mine, way))
    return [total / size, wrong / len(hypotheses)]
