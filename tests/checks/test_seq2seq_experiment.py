"""The experiment's marks: what right, silent and hostile files of predictions earn."""

import json
import time

import pytest

from seq2bert.checks import seq2seq as check
from seq2bert.checks import seq2seq_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.experiments.seq2seq_assignment import PROFILES
from seq2bert.results import recorded
from tests.conftest import Assignment


@pytest.fixture
def written(tmp_path):
    """The held-out words with their first right pronunciation, in a file."""
    path = tmp_path / "predictions.json"
    said = {entry.word: " ".join(entry.pronunciations[0]) for entry in check.experiment_words()[1]}
    path.write_text(json.dumps(said))
    return path, said


def test_right_predictions_earn_all_points_and_silence_none(written, capsys):
    path, said = written
    check.predictions(path)
    assert "predictions.json: whole; PER 0.000" in capsys.readouterr().out
    assert check.experiment_points(14, path) == 14
    path.write_text(json.dumps(dict.fromkeys(said, "")))
    assert check.experiment_points(14, path) == 0


def test_bands_fall_as_errors_grow():
    between = (experiment.FULL_MARKS_PER + experiment.TRIVIAL_PER) / 2
    rates = [0.0, experiment.FULL_MARKS_PER, between, between + 0.01, experiment.TRIVIAL_PER, 2.0]
    assert [experiment.band(per, 12) for per in rates] == [12, 12, 8, 4, 0, 0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b'\xff\xfe{"cat": "K"}', "is not JSON"),
        (b"[1, 2]", "should map each word to its phonemes"),
        (b"1e400", "should map each word"),
        (b"NaN", "should map each word"),
        (b"9" * 500_000, "is not JSON"),
        (b"[" * 500_000, "is not JSON"),
        (b'{"a":' * 100_000, "is not JSON"),
        (b'{"cat": 3}', "should map each word"),
        (b'{"cat": NaN}', "should map each word"),
        (b'{"cat": ["K"]}', "should map each word"),
        (b'{"cat": "K", "cat": "K"}', "a word stands twice"),
        (b'{"cat": "K AE T"}', "lacks 1000 of the 1000 held-out words"),
        (b'{"cat": "' + b"K " * 600_000 + b'"}', "is larger than 1,000,000 bytes"),
        (b" " * 50_000_000, "is larger than 1,000,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(tmp_path, content, sentence):
    path = tmp_path / "predictions.json"
    if content is not None:
        path.write_bytes(content)
    check.experiment_words()  # reading the dictionary takes its own time
    for mark in (lambda: check.predictions(path), lambda: check.experiment_points(14, path)):
        started = time.perf_counter()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark()
        assert time.perf_counter() - started < 1
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("phonemes", [33, 400_000])
def test_a_word_has_no_more_phonemes_than_the_experiment_writes(written, phonemes):
    path, said = written
    word = next(iter(said))
    path.write_text(json.dumps(said | {word: "K " * phonemes}))
    with pytest.raises(CheckFailed, match=f"has {phonemes} phonemes for '{word}'; the experiment stops at 32"):
        check.experiment_points(14, path)


def test_odd_letters_in_predictions_are_wrong_phonemes(written, capsys):
    path, said = written
    path.write_text(json.dumps(dict.fromkeys(said, "\ud800 \u0000 \u2028 <unk>")))
    check.predictions(path)
    capsys.readouterr().out.encode()
    assert check.experiment_points(14, path) == 0


def test_a_folder_in_place_of_the_file_is_no_file(tmp_path):
    (tmp_path / "predictions.json").mkdir()
    with pytest.raises(CheckFailed, match="is not beside the notebook"):
        check.predictions(tmp_path / "predictions.json")


def test_the_bands_are_those_of_the_five_recorded_seeds():
    per = recorded("seq2seq_assignment").metric("per")
    assert len(per["values"]) == 5
    assert round(per["mean"] + 3 * per["std"], 3) == experiment.FULL_MARKS_PER
    trivial = recorded("seq2seq_assignment").metric("letter_by_letter_per")["mean"]
    assert int(10_000 * trivial) / 10_000 == experiment.TRIVIAL_PER
    assert experiment.band(trivial, 14) == 0


def test_the_smoke_profile_only_shrinks_the_training(monkeypatch):
    full = check.experiment_words()
    monkeypatch.setenv("SEQ2BERT_PROFILE", "smoke")
    smoke = check.experiment_words()
    assert smoke[0] == full[0][:2000]
    assert smoke[1] == full[1]


def test_the_notebook_trains_as_the_recorded_reference_does():
    text = Assignment("03_seq2seq").cells["experiment-train"]
    settings = PROFILES["full"]
    assert f"choose(full={settings.epochs}, smoke=1)" in text
    assert f"learning_rate={settings.learning_rate:g}".replace("0.004", "4e-3") in text
    assert f"{settings.batch_size}, generator" in text
