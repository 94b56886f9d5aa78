"""The experiment's marks: what right, random and hostile files of predictions earn."""

import json
import re
import time
from collections import Counter

import pytest
import torch

from seq2bert.checks import word2vec as check
from seq2bert.checks import word2vec_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.data import similarity, words
from seq2bert.experiments.word2vec_assignment import CHANCE, PROFILES, STRETCH
from seq2bert.results import recorded
from tests.conftest import Assignment


@pytest.fixture
def written(tmp_path):
    """What people say of the pairs, as cosines, in a file."""
    path = tmp_path / "predictions.json"
    said = {f"{first} {second}": rating / 10 for first, second, rating in experiment.rated_pairs()}
    path.write_text(json.dumps(said))
    return path, said


def test_the_files_of_the_sample_class_earn_all_points(tmp_path, capsys):
    path = tmp_path / "predictions.json"
    path.write_text(check.files_to_hand_in()["predictions.json"])
    check.predictions(path)
    assert "predictions.json: whole; rank correlation 1.000" in capsys.readouterr().out
    assert check.experiment_points(8, path) == 8


def test_agreement_earns_all_points_and_chance_silence_and_contradiction_none(written):
    path, said = written
    assert check.predicted_correlation(path) == pytest.approx(1, abs=1e-3)  # one pair was rated twice
    assert check.experiment_points(8, path) == 8
    for seed in range(20):
        chance = torch.rand(len(said), generator=torch.Generator().manual_seed(seed)).tolist()
        path.write_text(json.dumps(dict(zip(said, chance, strict=True))))
        assert check.experiment_points(8, path) == 0
    for cosine in (0.5, 0):
        path.write_text(json.dumps(dict.fromkeys(said, cosine)))
        assert check.predicted_correlation(path) == check.experiment_points(8, path) == 0
    path.write_text(json.dumps({pair: -cosine for pair, cosine in said.items()}))
    assert check.experiment_points(8, path) == 0


def test_bands_rise_with_the_correlation():
    full, trivial = experiment.FULL_MARKS_RHO, experiment.TRIVIAL_RHO
    between = (full + trivial) / 2
    found = [experiment.band(rho, 9) for rho in (1.0, full, between + 1e-9, between - 0.001, trivial, -1.0)]
    assert found == [9, 9, 6, 3, 0, 0]


def test_the_pairs_asked_are_those_whose_words_the_text_has_often_enough():
    seen = Counter(word for line in words.lines("train") for word in line)
    rated = similarity.rated_pairs("wordsim353")
    rare = {word for pair in rated for word in pair[:2] if seen[word] < experiment.MIN_COUNT}
    assert sorted(rare) == experiment.RARE.split()
    asked = experiment.rated_pairs()
    assert [pair for pair in rated if pair not in asked and rare.isdisjoint(pair[:2])] == [("tiger", "tiger", 10.0)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"{", "is not JSON"),
        (b"[" * 500_000, "is not JSON"),
        (b"[1, 2]", "should map each pair of words to a cosine"),
        (b"NaN", "should map each pair"),
        (b'{"love sex": NaN}', "should map each pair"),
        (b'{"love sex": 1e999}', "should map each pair"),
        (b'{"love sex": true}', "should map each pair"),
        (b'{"love sex": "0.5"}', "should map each pair"),
        (b'{"love sex": 7}', "should map each pair"),
        (b'{"love sex": ' + b"1" * 5_000 + b"}", "is not JSON"),
        (b'{"love sex": ' + b"1" * 4_000 + b"}", "should map each pair"),
        (b'{"love sex": 1, "love sex": 0}', "a word stands twice"),
        (b'{"love sex": 0.5}', r"lacks \d+ of the 250 pairs, first 'tiger cat'"),
        (b" " * 50_000_000, "is larger than 1,000,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(tmp_path, content, sentence):
    path = tmp_path / "predictions.json"
    if content is not None:
        path.write_bytes(content)
    experiment.rated_pairs()  # reading them takes its own time
    for mark in (check.predictions, check.predicted_correlation, lambda path: check.experiment_points(8, path)):
        started = time.process_time()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark(path)
        assert time.process_time() - started < 1
        assert len(str(caught.value)) < 500


def test_the_bands_are_those_of_the_recorded_seeds():
    record = recorded("word2vec_assignment")
    rho = record.metric("rho")
    assert len(rho["values"]) == 5
    assert round(rho["mean"] - 3 * rho["std"], 3) == experiment.FULL_MARKS_RHO
    assert round(3 * record.metric("chance_spread")["mean"], 3) == experiment.TRIVIAL_RHO
    assert {experiment.band(value, 8) for value in rho["values"]} == {8}
    assert {experiment.band(value, 8) for value in record.metric("rho_untrained")["values"]} == {0}
    assert record.content["axes"]["wordsim_pairs"] == len(experiment.rated_pairs())


def test_the_notebook_trains_as_the_recorded_reference_does():
    cells = Assignment("06_word2vec").cells
    text, settings = cells["experiment-train"], PROFILES["full"]
    found = re.search(r"WINDOW, NEGATIVES, WIDTH, BATCH, RATE = (.*)", text)[1]
    sizes = (settings.window, settings.negatives, settings.width, settings.batch, settings.learning_rate)
    assert tuple(map(float, found.split(", "))) == sizes
    assert f"keep_probabilities(counts, {settings.subsample:.0e})".replace("e-05", "e-5") in text
    assert f"tensor.split({STRETCH})" in text
    assert f"SEED, MIN_COUNT = 0, {experiment.MIN_COUNT}" in cells["experiment-data"]
    assert PROFILES["full"].part == "train"
    assert PROFILES["smoke"].part == "validation"
    assert CHANCE >= 100
