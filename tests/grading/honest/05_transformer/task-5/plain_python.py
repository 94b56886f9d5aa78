# lists and math only
import math

import torch


def line(x, w, b):
    return [[math.fsum(a * c for a, c in zip(row, out)) + bias for out, bias in zip(w, b)] for row in x]


def normalise(x, scale, move):
    rows = []
    for row in x:
        mean = math.fsum(row) / len(row)
        root = math.sqrt(math.fsum((a - mean) ** 2 for a in row) / len(row) + 1e-5)
        rows.append([(a - mean) / root * s + m for a, s, m in zip(row, scale, move)])
    return rows


def attend(x, w, heads, allowed):
    q, k, v = (line(x, w[n + "_weight"], w[n + "_bias"]) for n in ("query", "key", "value"))
    part = len(x[0]) // heads
    found = [[] for _ in x]
    for h in range(heads):
        own = range(h * part, (h + 1) * part)
        for t in range(len(x)):
            places = [s for s in range(len(x)) if allowed[h][t][s]]
            scores = [math.fsum(q[t][i] * k[s][i] for i in own) / math.sqrt(part) for s in places]
            shares = [math.exp(a - max(scores)) for a in scores]
            found[t] += [math.fsum(a * v[s][i] for a, s in zip(shares, places)) / math.fsum(shares) for i in own]
    return line(found, w["output_weight"], w["output_bias"])


def encoder_layer(hidden, weights, num_heads, mask=None, norm_first=False):
    batch, length, _ = hidden.shape
    allowed = torch.ones(batch, num_heads, length, length, dtype=torch.bool)
    allowed = (allowed if mask is None else allowed & mask).tolist()
    w = {name: value.tolist() for name, value in weights.items()}
    plus = lambda x, y: [[a + b for a, b in zip(*rows)] for rows in zip(x, y)]
    norm = lambda x, n: normalise(x, w[n + "_norm_weight"], w[n + "_norm_bias"])
    relu = lambda x: [[max(a, 0.0) for a in row] for row in x]
    think = lambda x: line(relu(line(x, w["inner_weight"], w["inner_bias"])), w["outer_weight"], w["outer_bias"])
    answers = []
    for x, where in zip(hidden.tolist(), allowed):
        for name, part in (("attention", lambda y: attend(y, w, num_heads, where)), ("feed_forward", think)):
            x = plus(x, part(norm(x, name))) if norm_first else norm(plus(x, part(x)), name)
        answers.append(x)
    return torch.tensor(answers)


def order_sensitivity(hidden, positions, weights, num_heads, order):
    before = encoder_layer(hidden + positions, weights, num_heads).tolist()
    after = encoder_layer(hidden[:, order] + positions, weights, num_heads).tolist()
    return max(
        abs(a - b)
        for old, new in zip(before, after)
        for place, came_from in enumerate(order.tolist())
        for a, b in zip(old[came_from], new[place])
    )
