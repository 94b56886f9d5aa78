"""Multi30k: captions of photographs in German, and what a translator made of them in English.

29,000 pairs to learn from, 1,014 to choose by and 1,000 to test with (Elliott et al., 2016). Sentences are cut into
words and marks and written in lower case; a word seen only once in training will be `<unk>`, which chapter 09 mends.
"""

import gzip
import re
from collections.abc import Sequence
from functools import cache

from seq2bert.data.catalog import path_to

FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
MIN_COUNT = 2  # how often a word must be seen to have an id
MAX_WORDS = 50  # at which writing is cut; the longest sentence of the test has 33

Pair = tuple[tuple[str, ...], tuple[str, ...]]


def tokenise(sentence: str) -> tuple[str, ...]:
    """Words and marks, in lower case; a hyphen or an apostrophe inside a word belongs to it.

    >>> tokenise("Zwei Männer, im T-Shirt.")
    ('zwei', 'männer', ',', 'im', 't-shirt', '.')
    """
    return tuple(re.findall(r"\w+(?:[-'’]\w+)*|[^\w\s]", sentence.lower()))


@cache
def lines(part: str, language: str) -> tuple[str, ...]:
    """The sentences of a part as they were written.

    Args:
        part: "train", "validation" or "test".
        language: "de" or "en".

    Raises:
        CourseError: the file is missing or damaged.
    """
    text = gzip.decompress(path_to("multi30k", f"{FILES[part]}.{language}.gz").read_bytes()).decode()
    return tuple(text.rstrip("\n").split("\n"))


@cache
def pairs(part: str) -> tuple[Pair, ...]:
    """German and English words of every pair, in the order of the file."""
    return tuple(
        (tokenise(german), tokenise(english))
        for german, english in zip(lines(part, "de"), lines(part, "en"), strict=True)
    )


def by_length(sources: Sequence[Sequence[str]], bounds: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The rows whose source has between `low` and `high` words, both included, for each pair of bounds.

    >>> by_length([("ein", "hund"), ("hund",)], [(1, 1), (2, 9)])
    [[1], [0]]
    """
    return [[i for i, source in enumerate(sources) if low <= len(source) <= high] for low, high in bounds]
