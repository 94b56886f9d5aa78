"""The corpus in whole words."""

import pytest

from seq2bert.data import corpus, words
from seq2bert.files import CourseError


def test_a_line_is_a_paragraph_and_none_is_empty():
    lines = words.lines("validation")
    paragraphs = [line for text in corpus.documents("validation") for line in text.splitlines()]
    assert 0.99 * len(paragraphs) < len(lines) <= len(paragraphs)  # a line of nothing but marks has no word
    assert all(lines)
    assert lines[0] == words.words(paragraphs[0])


def test_words_are_lower_case_and_have_no_marks():
    found = {word for line in words.lines("validation") for word in line}
    assert all(word == word.lower() and word.replace("'", "").isalnum() for word in found)
    assert {"film", "'s", "don't", "actor's"} - found == {"actor's"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("--- ... !", []),
        ("'Tis the actors' film, it's said.", ["tis", "the", "actors", "film", "it", "'s", "said"]),
        ("Rock'n'roll in the 1950's", ["rock'n'roll", "in", "the", "1950", "'s"]),
        ("naïve_Müller’s", ["naïve", "müller", "'s"]),
    ],
)
def test_words_are_cut_as_described(text, expected):
    assert words.words(text) == expected


def test_an_unknown_part_is_named():
    with pytest.raises(CourseError, match="no part 'dev'"):
        words.lines("dev")
