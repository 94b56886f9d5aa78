"""The experiment's marks: what right, silent and hostile files of predictions earn."""

import json
import time

import pytest

from seq2bert.checks import attention_experiment
from seq2bert.checks import transformer as check
from seq2bert.checks import transformer_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.experiments import attention_assignment
from seq2bert.experiments.transformer_assignment import PROFILES, SIZES
from seq2bert.results import recorded
from tests.conftest import Assignment


@pytest.fixture
def written(tmp_path):
    """The held-out words with their first right pronunciation, in a file."""
    path = tmp_path / "predictions.json"
    said = {entry.word: " ".join(entry.pronunciations[0]) for entry in experiment.held_out_words()}
    path.write_text(json.dumps(said))
    return path, said


def test_the_released_files_earn_all_points(tmp_path, capsys):
    path = tmp_path / "predictions.json"
    path.write_text(check.files_to_hand_in()["predictions.json"])
    check.predictions(path)
    said = capsys.readouterr().out
    assert "predictions.json: whole; PER 0.0" in said
    assert f"looks back: {experiment.LOOKING_BACK_PER}" in said
    assert check.experiment_points(18, path) == 18


def test_right_predictions_earn_all_points_and_silence_none(written):
    path, said = written
    assert check.predicted_per(path) == 0
    assert check.experiment_points(18, path) == 18
    path.write_text(json.dumps(dict.fromkeys(said, "")))
    assert check.experiment_points(18, path) == 0


def test_bands_fall_as_errors_grow():
    full, trivial = experiment.FULL_MARKS_PER, experiment.TRIVIAL_PER
    between = (full + trivial) / 2
    rates = [0.0, full, between, between + 0.01, trivial, 2.0]
    assert [experiment.band(per, 18) for per in rates] == [18, 18, 12, 6, 0, 0]


def test_the_words_are_those_of_assignment_04():
    assert experiment.experiment_words is attention_experiment.experiment_words
    assert PROFILES["full"].train_words == attention_experiment.TRAIN_WORDS
    for profile, settings in PROFILES.items():
        assert settings.train_words == attention_assignment.PROFILES[profile].train_words


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"{", "is not JSON"),
        (b"[" * 500_000, "is not JSON"),
        (b"[1, 2]", "should map each word to its phonemes"),
        (b"NaN", "should map each word"),
        (b'{"cat": 3}', "should map each word"),
        (b'{"attention": {}, "fixed": {}}', "should map each word"),
        (b'{"cat": "K", "cat": "K"}', "a word stands twice"),
        (b'{"cat": "K AE T"}', "lacks 1200 of the 1,200 held-out words"),
        (b" " * 50_000_000, "is larger than 1,000,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(tmp_path, content, sentence):
    path = tmp_path / "predictions.json"
    if content is not None:
        path.write_bytes(content)
    check.held_out_words()  # reading the dictionary takes its own time
    for mark in (check.predictions, check.predicted_per, lambda path: check.experiment_points(18, path)):
        started = time.perf_counter()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark(path)
        assert time.perf_counter() - started < 1
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("phonemes", [33, 300_000])
def test_a_word_has_no_more_phonemes_than_the_experiment_writes(written, phonemes):
    path, said = written
    word, *_ = said
    path.write_text(json.dumps(said | {word: "K " * phonemes}))
    with pytest.raises(CheckFailed, match=f"json has {phonemes} phonemes for '{word}'; the experiment stops at 32"):
        check.experiment_points(18, path)


def test_the_bands_are_those_of_the_recorded_seeds():
    own, looked_back = recorded("transformer_assignment").metric("per"), recorded("attention_assignment")
    attention, fixed = looked_back.metric("attention_per"), looked_back.metric("fixed_per")
    assert len(own["values"]) == 5
    assert round(own["mean"] + 3 * own["std"], 3) == experiment.FULL_MARKS_PER
    assert round(attention["mean"], 3) == experiment.LOOKING_BACK_PER
    assert round(fixed["mean"] - 3 * fixed["std"], 3) == experiment.TRIVIAL_PER
    assert {experiment.band(per, 18) for per in own["values"]} == {18}
    assert {experiment.band(per, 18) for per in fixed["values"]} == {0}


def test_the_record_shows_what_the_notebook_says_of_it():
    own, looked_back = recorded("transformer_assignment"), recorded("attention_assignment")
    assert max(own.metric("per")["values"]) < looked_back.metric("attention_per")["mean"]
    mine, its = own.metric("per_by_length"), looked_back.metric("attention_per_by_length")
    middle = [place for place, lengths in enumerate(own.content["axes"]["letters"]) if 5 <= lengths[0] <= 9]
    assert len(middle) == 3
    assert all(seed[place] < its["mean"][place] for seed in mine["values"] for place in middle)
    assert mine["mean"][-1] > its["mean"][-1]  # of the longest words the lead is lost
    assert mine["std"][-1] == max(mine["std"])  # there the seeds differ most
    right, its_right = own.metric("accuracy_by_length"), looked_back.metric("attention_accuracy_by_length")
    assert all(a >= b for a, b in zip(right["mean"], its_right["mean"], strict=True))  # at least as many wholly right
    words = own.content["axes"]["train_words_by_length"]
    assert words[-1] / sum(words) == pytest.approx(1 / 50, rel=0.1)
    assert own.content["settings"]["epochs"] == 16
    assert looked_back.content["settings"]["epochs"] == 4
    longer = recorded("look_back_longer")
    assert longer.content["settings"] == looked_back.content["settings"] | {"epochs": 12}
    assert longer.content["cpu_seconds"] < own.content["cpu_seconds"]  # five seeds each
    assert longer.metric("per")["mean"] + longer.metric("per")["std"] < own.metric("per")["mean"]


def test_the_notebook_trains_as_the_recorded_reference_does():
    text = Assignment("05_transformer").cells["experiment-train"]
    settings = PROFILES["full"]
    assert f"choose(full={settings.epochs}, smoke={PROFILES['smoke'].epochs})" in text
    assert f"learning_rate={settings.learning_rate:g}".replace("0.008", "8e-3") in text
    assert f"warmup_fraction={settings.warmup_fraction}" in text
    assert f"{settings.batch_size}, generator" in text
    assert f"dict({', '.join(f'{name}={getattr(settings, name)}' for name in SIZES)})" in text
    assert "norm_first=True, dropout=0.0)" in text
