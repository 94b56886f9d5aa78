# the edit distance as a shortest path, found with a queue of places
import heapq


def edits(a, b):
    queue, seen = [(0, 0, 0)], set()
    while queue:
        cost, i, j = heapq.heappop(queue)
        if (i, j) == (len(a), len(b)):
            return cost
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i < len(a):
            heapq.heappush(queue, (cost + 1, i + 1, j))
        if j < len(b):
            heapq.heappush(queue, (cost + 1, i, j + 1))
        if i < len(a) and j < len(b):
            heapq.heappush(queue, (cost + (a[i] != b[j]), i + 1, j + 1))
    raise AssertionError("there is always a path")


def error_rates(hypotheses, references):
    found = []
    for mine, ways in zip(hypotheses, references):
        found.append(min((edits(mine, way), -len(way)) for way in ways))
    return sum(f[0] for f in found) / sum(-f[1] for f in found), len([f for f in found if f[0]]) / len(found)
