"""Multi30k as it is."""

import pytest

from seq2bert.data import multi30k
from seq2bert.data.catalog import status
from seq2bert.sequences import UNK_ID, Vocabulary

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(status("multi30k") != "ok", reason="Multi30k is not here: seq2bert data get multi30k"),
]


def test_there_are_as_many_pairs_as_are_said():
    assert {part: len(multi30k.pairs(part)) for part in multi30k.FILES} == {
        "train": 29_000,
        "validation": 1_014,
        "test": 1_000,
    }
    assert multi30k.pairs("test")[0] == (
        ("ein", "mann", "mit", "einem", "orangefarbenen", "hut", ",", "der", "etwas", "anstarrt", "."),
        ("a", "man", "in", "an", "orange", "hat", "starring", "at", "something", "."),
    )
    assert max(len(side) for pair in multi30k.pairs("test") for side in pair) == 33 < multi30k.MAX_WORDS


def test_no_caption_is_empty_and_no_test_caption_is_in_training():
    assert all(german and english for part in multi30k.FILES for german, english in multi30k.pairs(part))
    trained = set(multi30k.pairs("train"))
    assert sum(pair in trained for pair in multi30k.pairs("test")) == 0


def test_words_seen_once_are_unknown():
    vocabulary = Vocabulary.build((english for _, english in multi30k.pairs("train")), multi30k.MIN_COUNT)
    unknown = [i for _, english in multi30k.pairs("train") for i in vocabulary.encode(english)].count(UNK_ID)
    tokens = sum(len(english) for _, english in multi30k.pairs("train"))
    assert 0.005 < unknown / tokens < 0.02


def test_every_row_has_one_length():
    sources = [german for german, _ in multi30k.pairs("test")]
    rows = multi30k.by_length(sources, [(1, 8), (9, 11), (12, 99)])
    assert sorted(i for few in rows for i in few) == list(range(1_000))
    assert all(9 <= len(sources[i]) <= 11 for i in rows[1])
