# a class for hypotheses, sorted by Python
from dataclasses import dataclass, field

import torch


@dataclass(order=True)
class Hypothesis:
    score: float
    parent: int = field(compare=False)
    token: int = field(compare=False)


class Beam:
    def __init__(self, width):
        self.width, self.candidates = width, []

    def add(self, score, parent, token):
        self.candidates.append(Hypothesis(score, parent, token))

    def best(self):
        return sorted(self.candidates, reverse=True)[: self.width]


def beam_step(scores, log_probs, finished, eos_id=2):
    rows = []
    for b in range(scores.size(0)):
        beam = Beam(scores.size(1))
        for k in range(scores.size(1)):
            if finished[b, k]:
                beam.add(scores[b, k].item(), k, eos_id)
            else:
                for token in range(log_probs.size(2)):
                    beam.add((scores[b, k] + log_probs[b, k, token]).item(), k, token)
        rows.append(beam.best())
    columns = [[[getattr(h, name) for h in row] for row in rows] for name in ("score", "parent", "token")]
    return [torch.tensor(column).to(log_probs.device) for column in columns]
