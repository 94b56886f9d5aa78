"""The sentences about films as they are, their split, and the copies with two neighbours swapped."""

import hashlib
from collections import Counter

import pytest

from seq2bert.data import sentences


def digest(part):
    return hashlib.sha256("\n".join(map(" ".join, part)).encode()).hexdigest()


def test_there_are_the_sentences_there_should_be():
    loaded = sentences.load()
    assert len(loaded) == len(set(loaded)) == 8_530
    assert sum(map(len, loaded)) == 179_069
    assert all(loaded)


def test_the_split_is_the_recorded_one():
    split = sentences.split()
    assert {part: len(found) for part, found in split.items()} == {"train": 7_030, "validation": 500, "test": 1_000}
    assert digest(split["train"]) == "4407cdd1c0397eb8579b3070b62222a2c20e3a23138c0b20eb305438566122fd"
    assert digest(split["validation"]) == "76d1162a41311f225d4999e26dc0eb00d03b87e0c78dfcab0c40a3cbcc254d39"
    assert digest(split["test"]) == "202ed694e416e7e9281dfc623cc01f2738fe7a14bae2d189c4dd0b0e25bc1da7"
    assert min(map(len, split["test"])) == sentences.SHORTEST


def test_no_sentence_is_in_two_parts():
    dealt = [sentence for part in sentences.split().values() for sentence in part]
    assert sorted(dealt) == sorted(sentences.load())


def test_the_order_hangs_on_the_seed_alone():
    some = sentences.load()[:50]
    assert sentences.shuffled(reversed(some), 3) == sentences.shuffled(some, 3) != sentences.shuffled(some, 4)
    assert digest(sentences.split(1)["test"]) != digest(sentences.split(0)["test"])


@pytest.mark.parametrize("seed", [0, 1])
def test_a_copy_differs_in_two_neighbours_that_changed_places(seed):
    test = sentences.split()["test"]
    for sentence, pair in zip(test, sentences.pairs(test, seed), strict=True):
        assert getattr(pair, pair.written) == sentence
        places = [i for i, (a, b) in enumerate(zip(pair.first, pair.second, strict=True)) if a != b]
        assert places == [places[0], places[0] + 1]
        assert Counter(pair.first) == Counter(pair.second)


def test_the_places_and_the_order_of_the_two_are_drawn_evenly():
    test = sentences.split()["test"]
    drawn = sentences.pairs(test, seed=1)
    assert 450 < sum(pair.written == "first" for pair in drawn) < 550
    swapped = [next(i for i, (a, b) in enumerate(zip(p.first, p.second, strict=True)) if a != b) for p in drawn]
    parts = [place / (len(pair.first) - 2) for place, pair in zip(swapped, drawn, strict=True)]
    assert 0.45 < sum(parts) / len(parts) < 0.55
    assert sentences.pairs(test, seed=2) != drawn == sentences.pairs(test, seed=1)


@pytest.mark.parametrize("sentence", [(), ("film",), (".", ".", ".")])
def test_a_sentence_without_neighbours_that_differ_has_no_copy(sentence):
    with pytest.raises(ValueError, match="has no two neighbours that differ"):
        sentences.pairs([sentence])
