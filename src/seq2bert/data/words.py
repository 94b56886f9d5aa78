"""The corpus as lines of whole words, for models that give every word a vector of its own.

Chapter 09's pieces would do the work as well, but nobody has asked people how much `##mann` is like `gri`.
"""

import re
from functools import cache

from seq2bert.data import corpus

# A possessive 's is a word of its own, so that "film's" counts for "film"; "don't" is one word.
WORD = re.compile(r"'s\b|[^\W_]+(?:'(?!s\b)[^\W_]+)*")


def words(text: str) -> list[str]:
    """The words of a text, in lower case; marks are left out.

    >>> words("The bank's film-makers don’t care: 3 stars!")
    ['the', 'bank', "'s", 'film', 'makers', "don't", 'care', '3', 'stars']
    """
    return WORD.findall(text.lower().replace("’", "'"))


@cache
def lines(part: str) -> tuple[list[str], ...]:
    """The words of each line of a part of the corpus; a line is a paragraph of a review or of an article.

    Raises:
        CourseError: there is no such part, or the corpus is missing or damaged.
    """
    found = (words(line) for document in corpus.documents(part) for line in document.splitlines())
    return tuple(line for line in found if line)
