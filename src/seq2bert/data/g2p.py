"""Spelling to sound: the CMU Pronouncing Dictionary as a sequence-to-sequence task.

`phoenix -> F IY N IH K S`. A word may have several pronunciations; stress marks are stripped, which makes some of
them equal. Words, not pronunciations, are dealt into train, validation and test, so that no test word was ever seen.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from sys import intern

from seq2bert.data.catalog import path_to

VALIDATION_WORDS = 2_000
TEST_WORDS = 12_000
MAX_PHONEMES = 32  # at which writing is cut; the longest pronunciation has 28
WITHOUT_STRESS = str.maketrans("", "", "012")

Phonemes = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A word and the ways in which it is said, without stress, in the dictionary's order."""

    word: str
    pronunciations: tuple[Phonemes, ...]


def parse(text: str) -> list[Entry]:
    """Read the dictionary's lines: `read(2) R EH1 D # comment` is the second way to say "read".

    >>> parse("read R IY1 D\\nread(2) R EH1 D # past\\n")[0].pronunciations
    (('R', 'IY', 'D'), ('R', 'EH', 'D'))
    """
    ways: dict[str, list[Phonemes]] = {}
    for line in text.splitlines():
        head, _, rest = line.partition(" ")
        word = head.partition("(")[0]
        said = tuple(map(intern, rest.partition("#")[0].translate(WITHOUT_STRESS).split()))  # 39 strings, not 850,000
        if said not in ways.setdefault(word, []):
            ways[word].append(said)
    return [Entry(word, tuple(said)) for word, said in ways.items()]


@cache
def load() -> tuple[Entry, ...]:
    """All 126,052 words of CMUdict, verified by hash.

    Raises:
        CourseError: the dictionary is missing or damaged.
    """
    return tuple(parse(path_to("cmudict").read_text(encoding="utf-8")))


@cache
def split(seed: int = 0) -> dict[str, tuple[Entry, ...]]:
    """Deal the words into `train` (112,052), `validation` (2,000) and `test` (12,000).

    The order is that of sha256(seed:word), which no library version can change.
    """
    order = sorted(load(), key=lambda entry: hashlib.sha256(f"{seed}:{entry.word}".encode()).digest())
    cut = TEST_WORDS + VALIDATION_WORDS
    return {
        "train": tuple(order[cut:]),
        "validation": tuple(order[TEST_WORDS:cut]),
        "test": tuple(order[:TEST_WORDS]),
    }


def pairs(entries: tuple[Entry, ...] | list[Entry]) -> list[tuple[str, Phonemes]]:
    """One (word, pronunciation) pair for every way of saying every word: what a model trains on.

    >>> pairs([Entry("a", (("AH",), ("EY",)))])
    [('a', ('AH',)), ('a', ('EY',))]
    """
    return [(entry.word, said) for entry in entries for said in entry.pronunciations]
