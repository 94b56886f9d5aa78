# whoever is not allowed is cut out of the table before anything is compared
import torch


def nearest_words(vectors, ids, k):
    answers = torch.zeros(len(ids), k, dtype=torch.int64)
    for row, i in enumerate(ids.tolist()):
        others = torch.tensor([j for j in range(len(vectors)) if j != i])
        cosines = (vectors[others] @ vectors[i]) / (vectors[others].norm(dim=1) * vectors[i].norm())
        answers[row] = others[cosines.argsort(descending=True, stable=True)[:k]]
    return answers


def solve_analogies(vectors, questions):
    lengths = vectors.norm(dim=1)
    answers = []
    for question in questions.tolist():
        others = torch.tensor([j for j in range(len(vectors)) if j not in question])
        a, b, c = (vectors[j] / lengths[j] for j in question)
        scores = vectors[others] @ (b - a + c) / lengths[others]
        answers.append(others[scores.argmax()])
    return torch.stack(answers)
