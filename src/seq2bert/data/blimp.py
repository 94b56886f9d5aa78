"""BLiMP: pairs of sentences that differ in one thing, which makes one of them ungrammatical.

A language model knows the rule if it finds the good sentence more probable. 67 paradigms of 1,000 pairs each, in twelve
groups (Warstadt et al., 2020).
"""

import gzip
import json
from dataclasses import dataclass
from functools import cache

from seq2bert.data.catalog import path_to


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences, the paradigm that they belong to (one rule, one construction), and its group."""

    good: str
    bad: str
    paradigm: str
    group: str


@cache
def load() -> tuple[MinimalPair, ...]:
    """All 67,000 pairs.

    Raises:
        CourseError: the file is missing or damaged.
    """
    with gzip.open(path_to("blimp"), "rt", encoding="utf-8") as lines:
        return tuple(parse(line) for line in lines)


def parse(line: str) -> MinimalPair:
    """One line of the official files.

    >>> parse('{"sentence_good": "He runs.", "sentence_bad": "He run.", "UID": "a_1", "linguistics_term": "agreement"}')
    MinimalPair(good='He runs.', bad='He run.', paradigm='a_1', group='agreement')
    """
    said = json.loads(line)
    group = said["linguistics_term"].replace("s-selection", "argument_structure")  # as the paper counts its twelve
    return MinimalPair(said["sentence_good"], said["sentence_bad"], said["UID"], group)
