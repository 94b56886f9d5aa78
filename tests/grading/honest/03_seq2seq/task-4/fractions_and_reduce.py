# exact fractions until the end, reduce and itertools instead of loops
from fractions import Fraction
from functools import reduce
from itertools import accumulate


def edits(a, b):
    def next_row(row, x):
        cells = zip(row, row[1:], b)
        return list(accumulate(cells, lambda left, c: min(left + 1, c[1] + 1, c[0] + (x != c[2])), initial=row[0] + 1))

    return reduce(next_row, a, list(range(len(b) + 1)))[-1]


def error_rates(hypotheses, references):
    nearest = [min((edits(m, w), -len(w)) for w in ways) for m, ways in zip(hypotheses, references)]
    per = Fraction(sum(e for e, _ in nearest), sum(-n for _, n in nearest))
    wer = Fraction(sum(1 for e, _ in nearest if e), len(nearest))
    return float(per), float(wer)
