"""The experiment's marks: what right, silent and hostile files of predictions earn."""

import json
import time

import pytest

from seq2bert.checks import recurrent as check
from seq2bert.checks import recurrent_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.data import adding
from seq2bert.experiments import adding_problem, recurrent_assignment
from seq2bert.results import recorded
from tests.conftest import Assignment


@pytest.fixture
def written(tmp_path):
    """The right answers in a file."""
    path = tmp_path / "predictions.json"
    sums = adding.held_out()[1].tolist()
    path.write_text(json.dumps(sums))
    return path, sums


def test_right_answers_earn_all_points_and_always_one_none(written, capsys):
    path, sums = written
    check.predictions(path)
    assert "predictions.json: whole; mean squared error 0.0000, full marks at 0.00" in capsys.readouterr().out
    assert check.experiment_points(8, path) == 8
    path.write_text(json.dumps([1] * len(sums)))
    assert check.experiment_points(8, path) == 0
    path.write_text(json.dumps(sums[::-1]))
    assert check.experiment_points(8, path) == 0


def test_the_released_files_earn_all_points(tmp_path):
    for name, text in check.files_to_hand_in().items():
        (tmp_path / name).write_text(text)
    assert check.experiment_points(8, tmp_path / "predictions.json") == 8


def test_bands_fall_as_errors_grow():
    between = (experiment.FULL_MARKS_MSE + experiment.TRIVIAL_MSE) / 2
    errors = [0.0, experiment.FULL_MARKS_MSE, between, between + 0.001, experiment.TRIVIAL_MSE, 2.0]
    assert [experiment.band(mse, 12) for mse in errors] == [12, 12, 8, 4, 0, 0]


ONES = b", ".join([b"1"] * 999)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"", "is not JSON"),
        (b"[", "is not JSON"),
        (b"\xff\xfe[1]", "is not JSON"),
        (b"9" * 90_000, "is not JSON"),
        (b"[" * 90_000, "is not JSON"),
        (b'{"a": 1, "a": 1}', "stands twice"),
        (b'{"a": 1}', "should be a list of numbers"),
        (b"NaN", "should be a list of numbers"),
        (b'["1"]', "should be a list of numbers"),
        (b"[[1]]", "should be a list of numbers"),
        (b"[true]", "should be a list of numbers"),
        (b"[null]", "should be a list of numbers"),
        (b"[1, 2]", "has 2 answers; there are 1,000 held-out sequences"),
        (b"[" + ONES + b", 1, 1]", "has 1,001 answers"),
        (b"[" + ONES + b", NaN]", "answers nan to sequence 999; a sum lies between 0 and 2"),
        (b"[" + ONES + b", -Infinity]", "answers -inf to sequence 999"),
        (b"[" + ONES + b", 1e400]", "answers inf to sequence 999"),
        (b"[" + ONES + b", 1" + b"0" * 4000 + b"]", "answers inf to sequence 999"),
        (b"[1e300, " + ONES + b"]", r"answers 1e\+300 to sequence 0"),
        (b" " * 50_000_000, "is larger than 100,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(tmp_path, content, sentence):
    path = tmp_path / "predictions.json"
    if content is not None:
        path.write_bytes(content)
    for mark in (lambda: check.predictions(path), lambda: check.experiment_points(8, path)):
        started = time.perf_counter()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark()
        assert time.perf_counter() - started < 1
        assert len(str(caught.value)) < 500


def test_whole_numbers_are_answers_too(written):
    path, sums = written
    path.write_text(json.dumps([round(number) for number in sums]))
    assert 0 < experiment.predicted_mse(path) < 0.1


def test_the_bands_are_those_of_the_five_recorded_seeds():
    mse = recorded("recurrent_assignment").metric("mse")
    assert len(mse["values"]) == 5
    assert round(mse["mean"] + 3 * mse["std"], 4) == experiment.FULL_MARKS_MSE
    always_one = recorded("recurrent_assignment").metric("always_one_mse")["mean"]
    assert round(0.9 * always_one, 3) == experiment.TRIVIAL_MSE
    assert experiment.band(always_one, 8) == 0


def test_a_plain_network_stays_where_learning_nothing_is():
    record = recorded("adding_problem")
    assert min(record.metric("rnn_mse")["values"]) > experiment.TRIVIAL_MSE
    assert max(record.metric("lstm_mse")["values"] + record.metric("gru_mse")["values"]) < 0.01


def test_the_notebook_trains_as_the_recorded_reference_does():
    text = Assignment("02_recurrent").cells["experiment-train"]
    settings = recurrent_assignment.PROFILES["full"]
    assert f"{settings.hidden_size}, {settings.batch_size}, choose(full={settings.steps}, smoke=" in text
    assert f"LEARNING_RATE, MAX_NORM = {settings.learning_rate}, {settings.clip_norm}" in text
    assert f"% {settings.every} == 0" in text
    page = adding_problem.PROFILES["full"]
    assert {**vars(page), "steps": 0} == {**vars(settings), "steps": 0}
