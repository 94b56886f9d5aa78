# how far each diagonal gets with a number of edits (Ukkonen, 1985)
def edits(a, b):
    def slide(i, j):
        while i < len(a) and j < len(b) and a[i] == b[j]:
            i, j = i + 1, j + 1
        return i

    goal = len(b) - len(a)
    reach = {0: slide(0, 0)}
    made = 0
    while reach.get(goal, -1) < len(a):
        made += 1
        further = {}
        for diagonal in range(-made, made + 1):
            options = [reach.get(diagonal, -2) + 1, reach.get(diagonal + 1, -2) + 1, reach.get(diagonal - 1, -2)]
            i = min(max(options), len(a), len(b) - diagonal)
            if i >= 0 and i + diagonal >= 0:
                further[diagonal] = slide(i, i + diagonal)
        reach = further
    return made


def error_rates(hypotheses, references):
    words = [sorted((edits(mine, way), -len(way)) for way in ways)[0] for mine, ways in zip(hypotheses, references)]
    wrong = [edit for edit, _ in words if edit > 0]
    return sum(wrong) / sum(-length for _, length in words), len(wrong) / len(words)
