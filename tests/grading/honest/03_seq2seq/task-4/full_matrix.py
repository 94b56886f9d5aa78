# the whole table of the edit distance, filled by loops
def edit_distance(a, b):
    d = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) + 1):
        d[i][0] = i
    for j in range(len(b) + 1):
        d[0][j] = j
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if a[i - 1] == b[j - 1]:
                d[i][j] = d[i - 1][j - 1]
            else:
                d[i][j] = 1 + min(d[i - 1][j], d[i][j - 1], d[i - 1][j - 1])
    return d[len(a)][len(b)]


def error_rates(hypotheses, references):
    edits = 0
    length = 0
    wrong = 0
    for i in range(len(hypotheses)):
        best = None
        best_length = 0
        for reference in references[i]:
            e = edit_distance(hypotheses[i], reference)
            if best is None or e < best or (e == best and len(reference) > best_length):
                best, best_length = e, len(reference)
        edits += best
        length += best_length
        if best > 0:
            wrong += 1
    return edits / length, wrong / len(hypotheses)
