"""What people say of pairs of words, and what follows from three: the questions that word vectors are asked.

WordSim-353 (Finkelstein et al., 2002) rates how *related* two words are, as bread and butter are. SimLex-999 (Hill et
al., 2015) rates how *similar* they are: coast and shore are, clothes and closet are not. The analogies (Mikolov et al.,
2013a) ask which word is to Oslo as Greece is to Athens.
"""

from collections.abc import Iterable
from functools import cache

from seq2bert.data.catalog import path_to

RatedPair = tuple[str, str, float]
Analogy = tuple[str, str, str, str]  # a is to b as c is to d

SEMANTIC = (
    "capital-common-countries",
    "capital-world",
    "currency",
    "city-in-state",
    "family",
)  # the others are grammar


@cache
def rated_pairs(name: str) -> tuple[RatedPair, ...]:
    """Two words and their mean rating, 0 to 10, in the order of the file; in lower case, as the corpus is read.

    Args:
        name: `simlex999` or `wordsim353`.

    Raises:
        CourseError: there is no such set; or its file is missing or damaged.

    >>> rated_pairs("simlex999")[0]
    ('old', 'new', 1.58)
    """
    rows = (line.split("\t") for line in path_to(name).read_text(encoding="utf-8").splitlines() if line[0] != "#")
    return tuple((first.lower(), second.lower(), float(rating)) for first, second, rating in rows)


@cache
def analogies() -> dict[str, tuple[Analogy, ...]]:
    """The questions of each of the 14 categories, in lower case; `SEMANTIC` names those that are not about grammar.

    Raises:
        CourseError: the file is missing or damaged.

    >>> analogies()["family"][0]
    ('boy', 'girl', 'brother', 'sister')
    """
    return parse_analogies(path_to("analogies").read_text(encoding="utf-8").splitlines())


def parse_analogies(lines: Iterable[str]) -> dict[str, tuple[Analogy, ...]]:
    """Read `: category` and the lines of four words that follow it.

    >>> parse_analogies([": family", "boy girl he she"])
    {'family': (('boy', 'girl', 'he', 'she'),)}
    """
    found: dict[str, list[Analogy]] = {}
    for line in lines:
        if line.startswith(":"):
            asked = found.setdefault(line[1:].strip(), [])
        else:
            a, b, c, d = line.lower().split()
            asked.append((a, b, c, d))
    return {category: tuple(asked) for category, asked in found.items()}
