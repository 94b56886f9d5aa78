"""The one switch of pages and notebooks."""

import pytest

from seq2bert.files import CourseError
from seq2bert.profile import choose


@pytest.mark.parametrize(("value", "chosen"), [(None, 10), ("", 10), ("full", 10), ("smoke", 1)])
def test_it_chooses(monkeypatch, value, chosen):
    monkeypatch.delenv("SEQ2BERT_PROFILE", raising=False)
    if value is not None:
        monkeypatch.setenv("SEQ2BERT_PROFILE", value)
    assert choose(full=10, smoke=1) == chosen


def test_a_typo_is_named(monkeypatch):
    monkeypatch.setenv("SEQ2BERT_PROFILE", "smok")
    with pytest.raises(CourseError, match="SEQ2BERT_PROFILE must be full or smoke, got 'smok'"):
        choose(full=10, smoke=1)
