# equal ends are cut off first; prints, a note on stderr and a warning
import sys
import warnings

print("loaded", file=sys.stderr)


def edits(a, b):
    a, b = list(a), list(b)  # copies, which may be cut
    while a and b and a[0] == b[0]:
        del a[0], b[0]
    while a and b and a[-1] == b[-1]:
        a.pop(), b.pop()
    if not a or not b:
        return max(len(a), len(b))
    return 1 + min(edits(a[1:], b), edits(a, b[1:]), edits(a[1:], b[1:]))


def error_rates(hypotheses, references):
    if len(hypotheses) > 8:
        warnings.warn(f"{len(hypotheses)} words may take a while", stacklevel=2)
    e = n = w = 0
    for number, (mine, ways) in enumerate(zip(hypotheses, references)):
        scored = [(edits(mine, way), len(way)) for way in ways]
        fewest = min(edit for edit, _ in scored)
        longest = max(length for edit, length in scored if edit == fewest)
        print(number, "".join(mine), fewest, longest)
        e, n, w = e + fewest, n + longest, w + (fewest != 0)
    return e / n, w / (number + 1)
