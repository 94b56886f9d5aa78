# recursion with a cache, on tuples
from functools import lru_cache


@lru_cache(maxsize=None)
def distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    if a[-1] == b[-1]:
        return distance(a[:-1], b[:-1])
    return 1 + min(distance(a[:-1], b), distance(a, b[:-1]), distance(a[:-1], b[:-1]))


def error_rates(hypotheses, references):
    nearest = [
        min((distance(tuple(mine), tuple(way)), -len(way)) for way in ways)
        for mine, ways in zip(hypotheses, references)
    ]
    per = sum(edits for edits, _ in nearest) / -sum(length for _, length in nearest)
    return per, sum(edits > 0 for edits, _ in nearest) / len(nearest)
