# the table's columns as the bits of two integers (Myers, 1999)
def edits(a, b):
    if not a:
        return len(b)
    places = {}
    for i, x in enumerate(a):
        places[x] = places.get(x, 0) | 1 << i
    full, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    up, down, distance = full, 0, len(a)
    for y in b:
        equal = places.get(y, 0)
        across = (((equal & up) + up) ^ up) | equal | down
        right, left = down | (~(across | up) & full), up & across
        distance += bool(right & last) - bool(left & last)
        right, left = (right << 1 | 1) & full, left << 1 & full
        up, down = left | (~(across | right) & full), right & (equal | down)
    return distance


def error_rates(hypotheses, references):
    def nearest(mine, ways):
        return min((edits(mine, way), -len(way)) for way in ways)

    pairs = list(map(nearest, hypotheses, references))
    edits_made, minus_length = map(sum, zip(*pairs))
    return -edits_made / minus_length, sum(1 for e, _ in pairs if e != 0) / len(pairs)
