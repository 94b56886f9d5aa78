# double precision, ids and questions one at a time
import torch


def nearest_words(vectors, ids, k):
    v = vectors.double()
    v = v / torch.linalg.vector_norm(v, dim=1, keepdim=True)
    rows = []
    for i in ids:
        cosines = v @ v[i]
        order = torch.sort(cosines, descending=True, stable=True)[1]
        rows.append(order[order != i][:k])
    return torch.stack(rows)


def solve_analogies(vectors, questions):
    v = vectors.double()
    v = v / torch.linalg.vector_norm(v, dim=1, keepdim=True)
    answers = torch.empty(len(questions), dtype=torch.int64)
    for row, (a, b, c) in enumerate(questions):
        scores = v @ (v[b] - v[a] + v[c])
        scores[[int(a), int(b), int(c)]] = -torch.inf
        answers[row] = scores.argmax()
    return answers
