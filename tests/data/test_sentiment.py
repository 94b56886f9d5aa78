"""Labelled sentences: half of them good, each in one part only, and dealt in an order that only the seed changes."""

import pytest

from seq2bert.data import sentences, sentiment


@pytest.fixture(scope="module")
def split():
    return sentiment.split()


def test_every_sentence_is_in_one_part(split):
    assert {name: len(part) for name, part in split.items() if name != "train"} == {"validation": 500, "test": 1_500}
    dealt = [opinion.text for part in split.values() for opinion in part]
    assert len(dealt) == len(set(dealt)) == len(sentiment.load())


def test_half_of_them_are_good(split):
    for part in (*split.values(), split["train"][:200]):
        assert 0.42 < sum(opinion.label for opinion in part) / len(part) < 0.58


def test_the_labels_are_the_critics(split):
    """Words that hardly anybody uses for the other side."""
    for word, label in (("dull", 0), ("tedious", 0), ("touching", 1), ("moving", 1)):
        found = [opinion.label for opinion in sentiment.load() if word in opinion.text.split()]
        assert len(found) > 20
        assert sum(one == label for one in found) / len(found) > 0.75


def test_another_seed_deals_anew(split):
    other = sentiment.split(1)
    assert split == sentiment.split(0)
    assert set(other["test"]) != set(split["test"])
    assert {o.text for part in other.values() for o in part} == {o.text for part in split.values() for o in part}


def test_they_are_the_sentences_of_chapter_01():
    assert {tuple(opinion.text.split()) for opinion in sentiment.load()} == set(sentences.load())
