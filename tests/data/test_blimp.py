"""BLiMP as it is."""

from collections import Counter

import pytest

from seq2bert.data import blimp
from seq2bert.data.catalog import PARADIGMS, status

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(status("blimp") != "ok", reason="BLiMP is not here: seq2bert data get blimp"),
]


def test_there_are_a_thousand_pairs_of_each_paradigm():
    pairs = blimp.load()
    assert len(pairs) == 67_000
    assert set(Counter(pair.paradigm for pair in pairs).values()) == {1000}
    assert list(dict.fromkeys(pair.paradigm for pair in pairs)) == PARADIGMS.split()
    assert len({pair.group for pair in pairs}) == 12


def test_seven_pairs_have_no_difference():
    """So it is in the official files; a tie counts as wrong, so nobody gets these right."""
    same = Counter(pair.paradigm for pair in blimp.load() if pair.good == pair.bad)
    assert same == {"principle_A_case_2": 5, "passive_1": 2}
