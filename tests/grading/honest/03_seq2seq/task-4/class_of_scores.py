# a class that adds up, in one pass, with type hints
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Score:
    edits: int = 0
    phonemes: int = 0
    wrong: int = 0
    words: int = 0

    def add(self, mine: Sequence[str], ways: Sequence[Sequence[str]]) -> Score:
        near = min(ways, key=lambda way: (self.distance(mine, way), -len(way)))
        made = self.distance(mine, near)
        self.edits += made
        self.phonemes += len(near)
        self.wrong += int(made > 0)
        self.words += 1
        return self

    @staticmethod
    def distance(a: Sequence[str], b: Sequence[str]) -> int:
        if len(a) < len(b):
            a, b = b, a
        previous = list(range(len(b) + 1))
        for i, x in enumerate(a, start=1):
            current = [i]
            for j, y in enumerate(b, start=1):
                current.append(min(previous[j] + 1, current[-1] + 1, previous[j - 1] + (x != y)))
            previous = current
        return previous[-1]

    @property
    def rates(self) -> tuple[float, float]:
        return self.edits / self.phonemes, self.wrong / self.words


def error_rates(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> tuple[float, float]:
    score = Score()
    for mine, ways in zip(hypotheses, references, strict=True):
        score.add(mine, ways)
    return score.rates
