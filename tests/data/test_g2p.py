"""CMUdict as it is, and the split by word that every result rests on."""

import hashlib

from seq2bert.data import g2p


def digest(entries):
    return hashlib.sha256("\n".join(entry.word for entry in entries).encode()).hexdigest()


def test_the_dictionary_has_the_words_it_should():
    entries = g2p.load()
    assert len(entries) == 126_052
    assert len(g2p.pairs(entries)) == 134_860  # 135,166 with stress; without it, some ways to say a word are one
    assert len({phoneme for entry in entries for way in entry.pronunciations for phoneme in way}) == 39
    assert max(len(way) for entry in entries for way in entry.pronunciations) == 28


def test_the_split_is_the_recorded_one():
    split = g2p.split()
    assert {part: len(entries) for part, entries in split.items()} == {
        "train": 112_052,
        "validation": 2_000,
        "test": 12_000,
    }
    assert digest(split["train"]) == "c02556b625f72ab1429a20a39768422d35e06ce50163ef25a24a41b8f28a68f3"
    assert digest(split["validation"]) == "6ff4f9a5bfeb0c3557b57f736a0f5d2c48eda3b32d25382a7cfc2035d3dd7b61"
    assert digest(split["test"]) == "dc8889c041fbcdd82f5833d8884e258aef8156550c88f17e947b3cb98bd06354"


def test_no_word_is_in_two_parts():
    words = [entry.word for entries in g2p.split().values() for entry in entries]
    assert len(words) == len(set(words)) == 126_052


def test_another_seed_is_another_split():
    assert digest(g2p.split(1)["test"]) != digest(g2p.split(0)["test"])


def test_parsing_drops_stress_comments_and_repetitions():
    entries = g2p.parse("a AH0\na(2) EY1 # the letter\na(3) EY2\nb(2) B IY1\n")
    assert entries == [g2p.Entry("a", (("AH",), ("EY",))), g2p.Entry("b", (("B", "IY"),))]
