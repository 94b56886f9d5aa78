"""Files of predictions are read once, to the letter, and no further than a limit; marks fall in bands."""

import math

import pytest

from seq2bert.checks import predictions
from seq2bert.checks.task import CheckFailed


@pytest.fixture
def path(tmp_path):
    return tmp_path / "predictions.json"


def test_a_file_may_be_as_large_as_the_limit_and_no_larger(path):
    path.write_bytes(b"x" * 1000)
    assert predictions.content(path, 1000) == b"x" * 1000
    with pytest.raises(CheckFailed, match=r"is larger than 999 bytes"):
        predictions.content(path, 999)


def test_no_file_and_a_folder_are_named(path):
    for make in (lambda: None, path.mkdir):
        make()
        with pytest.raises(CheckFailed, match=r"predictions.json is not beside the notebook: run"):
            predictions.content(path, 1000)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1,]", b"\xff", b'"\xed\xa0\x80"', b"[" * 100_000, b"9" * 10_000, b'{"a": {"b": 1, "b": 2}}'],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_not_json_is_refused_in_a_sentence(content):
    with pytest.raises(CheckFailed, match=r"^p.json is not JSON \(.*\): run the experiment's cell again$") as caught:
        predictions.load(content, "p.json")
    assert len(str(caught.value)) < 300


def test_what_is_json_is_read():
    assert predictions.load(b'{"a": ["\xc3\xa9", 1, null], "b": {"a": true}}', "p.json") == {
        "a": ["é", 1, None],
        "b": {"a": True},
    }


@pytest.mark.parametrize(("full", "trivial"), [(0.8, 0.5), (0.2, 0.5), (3.0, 100.0)])
def test_marks_fall_from_the_reference_to_the_baseline(full, trivial):
    values = [full, (full + trivial) / 2, trivial + (full - trivial) / 100, trivial, 2 * trivial - full]
    assert [predictions.band(value, 12, full, trivial) for value in values] == [12, 8.0, 4.0, 0, 0]
    assert predictions.band(2 * full - trivial, 12, full, trivial) == 12
    assert predictions.band(math.nan, 12, full, trivial) == 0
