"""The corpus: what it is made of, and that nothing of it is in two parts."""

import pytest

from seq2bert.data import corpus
from seq2bert.files import CourseError


@pytest.fixture(scope="module")
def parts():
    return {part: corpus.documents(part) for part in corpus.PARTS}  # raises where a hash is not the recorded one


def test_there_are_six_million_words_in_three_parts(parts):
    words = {part: sum(len(text.split()) for text in texts) for part, texts in parts.items()}
    assert words == {"train": 5_515_178, "validation": 325_761, "test": 313_967}
    assert {part: len(texts) for part, texts in parts.items()} == {"train": 22_393, "validation": 1_320, "test": 1_289}


def test_no_document_comes_twice(parts):
    texts = [text for part in parts.values() for text in part]
    assert len(set(texts)) == len(texts)


def test_no_markup_is_left(parts):
    assert not any("<br" in text for texts in parts.values() for text in texts)
    articles = "\n".join(corpus.articles())
    for mark in ("<", "[[", "]]", "{{", "}}", "''", "==", "http", "#REDIRECT", "\n*", "\n\n"):
        assert mark not in articles


def test_reviews_and_articles_are_both_there(parts):
    for texts in parts.values():
        assert any("Anarchism" in t or "alphabet" in t or "philosoph" in t for t in texts)
    assert any(text.startswith("Anarchism is a political philosophy") for texts in parts.values() for text in texts)
    assert any("I rented I AM CURIOUS-YELLOW" in text for texts in parts.values() for text in texts)


def test_the_parts_do_not_hang_on_the_order_or_on_copies():
    texts = [f"document {number}" for number in range(200)]
    assert corpus.split(texts) == corpus.split([*reversed(texts), *texts])
    assert sum(map(len, corpus.split(texts).values())) == 200


def test_prose_is_told_from_lists_headings_and_captions(monkeypatch):
    prose = "The term is a compound word that was composed from two older words, long ago."
    assert corpus._is_prose(prose)
    for line in (f"* {prose}", "==History==", "Woodcut from a Diggers document by William Everard", prose[:-1], ""):
        assert not corpus._is_prose(line)


def test_another_text_is_refused(monkeypatch):
    monkeypatch.setattr(corpus, "reviews", lambda: ["a review"])
    monkeypatch.setattr(corpus, "articles", list)
    corpus._split.cache_clear()
    with pytest.raises(CourseError, match=r"its train part differs.*gensim==4.4.0"):
        corpus._split()
    corpus._split.cache_clear()


def test_an_unknown_part_is_named():
    with pytest.raises(CourseError, match="no part 'dev'; it has: train, validation, test"):
        corpus.documents("dev")
