"""The experiment's marks: what right, tossed and hostile files of choices earn."""

import json
import math
import random
import time

import pytest

from seq2bert.checks import sequences as check
from seq2bert.checks import sequences_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.data import sentences
from seq2bert.experiments.sequences_assignment import PROFILES
from seq2bert.results import recorded
from tests.conftest import Assignment

PAIRS = check.experiment_pairs()
RIGHT = [pair.written for pair in PAIRS]
WRONG = ["second" if written == "first" else "first" for written in RIGHT]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "predictions.json"


def test_right_choices_earn_all_points_and_no_constant_any(path, capsys):
    path.write_text(json.dumps(RIGHT))
    check.predictions(path)
    assert "predictions.json: whole; accuracy 1.000" in capsys.readouterr().out
    assert check.experiment_points(7, path) == 7
    for choices in (["first"] * 1000, ["second"] * 1000, WRONG, ["first", "second"] * 500):
        path.write_text(json.dumps(choices))
        assert check.experiment_points(7, path) == 0


def test_a_coin_hardly_ever_earns_anything():
    dice = random.Random(0)
    lucky = 0
    for _ in range(500):
        hits = sum(dice.random() < 0.5 for _ in range(1000))
        lucky += experiment.band(hits / 1000, 7) > 0
    assert lucky <= 5
    assert round(0.5 + 3 * math.sqrt(0.25 / len(PAIRS)), 3) == experiment.TRIVIAL_ACCURACY


def test_the_accuracy_is_the_part_of_right_choices(path):
    path.write_text(json.dumps(RIGHT[:700] + WRONG[700:]))
    assert experiment.predicted_accuracy(path) == 0.7
    assert check.experiment_points(7, path) == round(7 / 3, 1)


def test_bands_fall_with_the_accuracy():
    between = (experiment.FULL_MARKS_ACCURACY + experiment.TRIVIAL_ACCURACY) / 2
    values = [1.0, experiment.FULL_MARKS_ACCURACY, between, between - 0.01, experiment.TRIVIAL_ACCURACY, 0.0]
    assert [experiment.band(accuracy, 12) for accuracy in values] == [12, 12, 8, 4, 0, 0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"", "is not JSON"),
        (b"[", "is not JSON"),
        (b'\xff\xfe["first"]', "is not JSON"),
        (b'{"first": 1}', "should be a list of choices"),
        (b'{"a": 1, "a": 2}', "is not JSON"),
        (b'"first"', "should be a list of choices"),
        (b"NaN", "should be a list of choices"),
        (b"[" * 90_000, "is not JSON"),
        (b"9" * 90_000, "is not JSON"),
        (b"[]", "a choice for each of the 1,000 pairs, has 0"),
        (json.dumps(["first"] * 1001).encode(), "a choice for each of the 1,000 pairs, has 1,001"),
        (json.dumps(["first"] * 999 + ["First"]).encode(), r'should say "first" or "second"; at \[999\]'),
        (json.dumps(["first"] * 999 + [["first"]]).encode(), r"at \[999\] it says something else"),
        (json.dumps([{}] * 1000).encode(), r"at \[0\] it says something else"),
        (json.dumps([None] * 1000).encode(), r"at \[0\] it says something else"),
        (json.dumps(["x" * 90] * 1000).encode(), r"at \[0\] it says something else"),
        (json.dumps(["x" * 90_000, *RIGHT[1:]]).encode(), r"at \[0\] it says something else"),
        (json.dumps(["first"] * 20_000).encode(), "is larger than 100,000 bytes"),
        (b" " * 50_000_000, "is larger than 100,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(path, content, sentence):
    if content is not None:
        path.write_bytes(content)
    for mark in (lambda: check.predictions(path), lambda: check.experiment_points(7, path)):
        started = time.perf_counter()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark()
        assert time.perf_counter() - started < 1
        assert len(str(caught.value)) < 500


def test_the_band_is_that_of_the_five_recorded_seeds():
    record = recorded("sequences_assignment")
    accuracy = record.metric("accuracy")
    assert len(accuracy["values"]) == 5
    assert round(accuracy["mean"] - 3 * accuracy["std"], 3) == experiment.FULL_MARKS_ACCURACY
    assert record.metric("unigram_ties")["values"] == [1.0] * 5
    assert record.content["axes"]["train_sentences"] == experiment.TRAIN_SENTENCES


def test_five_seeds_count_other_sentences_and_no_held_out_one():
    split = sentences.split()
    held_out = {*split["validation"], *split["test"]}
    trains = [set(map(tuple, check.experiment_sentences(seed)[0])) for seed in range(5)]
    assert all(len(train) == experiment.TRAIN_SENTENCES and not train & held_out for train in trains)
    assert len(set(map(frozenset, trains))) == 5
    assert {pair.first if pair.written == "first" else pair.second for pair in PAIRS} == set(split["test"])


def test_the_smoke_profile_only_shrinks_the_counting(monkeypatch):
    full = check.experiment_sentences(3)
    monkeypatch.setenv("SEQ2BERT_PROFILE", "smoke")
    smoke = check.experiment_sentences(3)
    assert smoke == (full[0][:600], full[1])
    assert PROFILES["smoke"].train_sentences == len(smoke[0])
    assert PROFILES["full"].train_sentences == len(full[0])


def test_the_notebook_counts_as_the_recorded_reference_does():
    text = Assignment("01_sequences").cells["experiment-count"]
    settings = PROFILES["full"]
    assert f"build_vocabulary(train, min_count={settings.min_count})" in text
    assert f"for k in {settings.ks}" in text
