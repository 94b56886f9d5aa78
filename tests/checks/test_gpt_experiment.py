"""The experiment's marks: what right, constant and hostile files of predictions earn."""

import json
import random
import time

import pytest

from seq2bert.checks import gpt as check
from seq2bert.checks import gpt_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.experiments.gpt_assignment import PROFILES
from seq2bert.results import recorded
from tests.conftest import Assignment


@pytest.fixture
def written(tmp_path):
    """A file in which both models are always right, and its labels."""
    path = tmp_path / "predictions.json"
    right = [opinion.label for opinion in experiment.held_out_sentences()]
    path.write_text(json.dumps(dict.fromkeys(experiment.MODELS, right)))
    return path, right


def test_the_released_files_earn_all_points(tmp_path, capsys):
    path = tmp_path / "predictions.json"
    path.write_text(check.files_to_hand_in()["predictions.json"])
    check.predictions(path)
    said = capsys.readouterr().out
    assert "predictions.json: whole; accuracy 1.000" in said
    assert "what it had read before: 1.000" in said
    assert check.experiment_points(8, path) == 8


def test_the_sentences_are_half_and_half_and_apart():
    train, test = check.experiment_sentences()
    assert len(train) == experiment.TRAIN_SENTENCES == PROFILES["full"].train_sentences
    assert len(test) == 1_500
    assert not {opinion.text for opinion in train} & {opinion.text for opinion in test}
    for part in (train, test):
        assert abs(sum(opinion.label for opinion in part) / len(part) - 0.5) < 0.05


def test_who_always_says_the_same_or_throws_a_coin_earns_nothing(written):
    path, right = written
    coins = [[random.Random(seed).randrange(2) for _ in right] for seed in range(200)]
    assert round(0.5 + 4 * (0.25 / len(right)) ** 0.5, 2) == experiment.TRIVIAL_ACCURACY
    for said in ([0] * len(right), [1] * len(right), *coins):
        path.write_text(json.dumps({"fine_tuned": said, "from_scratch": right}))
        assert check.experiment_points(8, path) == 0


def test_bands_fall_as_accuracy_does():
    full, trivial = experiment.FULL_MARKS_ACCURACY, experiment.TRIVIAL_ACCURACY
    between = (full + trivial) / 2
    found = [experiment.band(value, 9) for value in (1.0, full, between + 1e-6, between - 1e-6, trivial, 0.0)]
    assert found == [9, 9, 6, 3, 0, 0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"{", "is not JSON"),
        (b"[" * 90_000, "is not JSON"),
        (b"[1, 2]", "should hold two lists"),
        (b"NaN", "should hold two lists"),
        (b'{"fine_tuned": [1, 0]}', "should hold two lists"),
        (b'{"fine_tuned": "1", "from_scratch": []}', "should hold two lists"),
        (b'{"fine_tuned": [], "fine_tuned": [], "from_scratch": []}', "stands twice"),
        (b'{"fine_tuned": [1, 0], "from_scratch": []}', "'fine_tuned', has 2 labels for 1,500 test sentences"),
        (b" " * 50_000_000, "is larger than 100,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(tmp_path, content, sentence):
    path = tmp_path / "predictions.json"
    if content is not None:
        path.write_bytes(content)
    experiment.held_out_sentences()  # reading the sentences takes its own time
    for mark in (check.predictions, check.predicted_accuracies, lambda path: check.experiment_points(8, path)):
        started = time.perf_counter()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark(path)
        assert time.perf_counter() - started < 1
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("odd", [2, -1, 1.0, True, "1", None, [1], 10**400])
def test_a_label_is_0_or_1_and_nothing_else(written, odd):
    path, right = written
    path.write_text(json.dumps({"fine_tuned": [odd, *right[1:]], "from_scratch": right}))
    with pytest.raises(CheckFailed, match="'fine_tuned', should hold labels, each 0 or 1"):
        check.experiment_points(8, path)


def test_the_bands_are_those_of_the_recorded_seeds():
    record = recorded("gpt_assignment")
    own, scratch = record.metric("fine_tuned_accuracy"), record.metric("from_scratch_accuracy")
    assert len(own["values"]) == 5
    assert round(own["mean"] - 3 * own["std"], 3) == experiment.FULL_MARKS_ACCURACY
    assert round(scratch["mean"], 3) == experiment.FROM_SCRATCH_ACCURACY
    assert {experiment.band(value, 8) for value in own["values"]} == {8}


def test_the_notebook_trains_as_the_recorded_reference_does():
    text = Assignment("08_gpt").cells["experiment-train"]
    settings = PROFILES["full"]
    assert f"choose(full={settings.epochs}, smoke={PROFILES['smoke'].epochs})" in text
    assert f"learning_rate={settings.learning_rate:g}".replace("0.0006", "6e-4") in text
    assert f"warmup_fraction={settings.warmup_fraction}" in text
    assert f"for text in texts], {settings.batch_size}, generator" in text
    assert f"language_weight={settings.language_weight})" in text
    assert 'LOSSES = {"fine_tuned": loss_of_both, "from_scratch": loss_of_classes}' in text
