# loops over all cells, and math.log for each
import math

import torch


def count_bigrams(sequences, vocab_size):
    table = [[0] * vocab_size for _ in range(vocab_size)]
    for sequence in sequences:
        before = 1
        for token in sequence:
            table[before][token] += 1
            before = token
        table[before][2] += 1
    return torch.tensor(table)


def smooth(counts, k):
    rows = []
    for row in counts.tolist():
        V = len(row) - 2
        total = sum(row)
        log_row = [-math.inf, -math.inf]
        for c in row[2:]:
            if total + k * V == 0:
                p = 1 / V
            else:
                p = (c + k) / (total + k * V)
            log_row.append(math.log(p) if p > 0 else -math.inf)
        rows.append(log_row)
    return torch.tensor(rows)
