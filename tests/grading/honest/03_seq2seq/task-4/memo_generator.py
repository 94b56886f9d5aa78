# a memo of its own, filled while recursing over places, and generators
def edits(a, b, i=0, j=0, memo=None):
    memo = {} if memo is None else memo
    if (i, j) not in memo:
        if i == len(a):
            memo[i, j] = len(b) - j
        elif j == len(b):
            memo[i, j] = len(a) - i
        else:
            memo[i, j] = min(
                edits(a, b, i + 1, j + 1, memo) + (a[i] != b[j]),
                edits(a, b, i + 1, j, memo) + 1,
                edits(a, b, i, j + 1, memo) + 1,
            )
    return memo[i, j]


def nearest(hypotheses, references):
    for mine, ways in zip(hypotheses, references):
        yield max((-edits(mine, way), len(way)) for way in ways)


def error_rates(hypotheses, references):
    minus_edits, lengths = zip(*nearest(hypotheses, references))
    return -sum(minus_edits) / sum(lengths), 1 - minus_edits.count(0) / len(minus_edits)
