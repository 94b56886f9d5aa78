"""The experiment's marks: what right, silent and hostile files of predictions earn."""

import json
import time

import pytest

from seq2bert.checks import attention as check
from seq2bert.checks import attention_experiment as experiment
from seq2bert.checks.task import CheckFailed
from seq2bert.experiments.attention_assignment import PROFILES, SCORES
from seq2bert.results import recorded
from tests.conftest import Assignment


@pytest.fixture(scope="module")
def released():
    """The sample class's file: made once, since a model says the words."""
    return json.loads(check.files_to_hand_in()["predictions.json"])


@pytest.fixture
def written(tmp_path, released):
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(released))
    return path, released


def test_the_released_files_earn_all_points(written, capsys):
    path, _ = written
    check.predictions(path)
    said = capsys.readouterr().out
    assert "predictions.json: whole; PER 0.0" in said
    assert "looking back saves 0." in said
    assert check.experiment_points(10, path) == 10
    assert check.gain_points(4, path) == 4


def test_right_predictions_earn_all_points_and_silence_none(written):
    path, said = written
    right = {entry.word: " ".join(entry.pronunciations[0]) for entry in experiment.held_out_words()}
    silence = dict.fromkeys(right, "")
    path.write_text(json.dumps({"attention": right, "fixed": silence}))
    assert (check.experiment_points(10, path), check.gain_points(4, path)) == (10, 4)
    path.write_text(json.dumps({"attention": silence, "fixed": silence}))
    assert (check.experiment_points(10, path), check.gain_points(4, path)) == (0, 0)
    path.write_text(json.dumps({"attention": said["attention"], "fixed": said["attention"]}))
    assert (check.experiment_points(10, path), check.gain_points(4, path)) == (10, 0)


def test_bands_fall_as_errors_grow():
    full, trivial = experiment.FULL_MARKS_PER, experiment.TRIVIAL_PER
    between = (full + trivial) / 2
    rates = [0.0, full, between, between + 0.01, trivial, 2.0]
    assert [experiment.band(per, 12) for per in rates] == [12, 12, 8, 4, 0, 0]
    gains = [1.0, experiment.FULL_MARKS_GAIN, experiment.FULL_MARKS_GAIN / 2, 0.01, 0.0, -1.0]
    assert [experiment.gain_band(gain, 12) for gain in gains] == [12, 12, 8, 4, 0, 0]


def test_held_out_words_are_as_many_of_each_pair_of_lengths_and_none_is_learnt_from():
    train, held_out = check.experiment_words()
    lengths = [len(entry.word) for entry in held_out]
    assert [sum(length in pair for length in lengths) for pair in experiment.LENGTHS] == [200] * 6
    assert [(length + 1) // 2 for length in lengths] == sorted((length + 1) // 2 for length in lengths)
    assert len(train) == experiment.TRAIN_WORDS
    assert {entry.word for entry in train}.isdisjoint(entry.word for entry in held_out)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b'\xff\xfe{"cat": "K"}', "is not JSON"),
        (b"9" * 500_000, "is not JSON"),
        (b"[" * 500_000, "is not JSON"),
        (b'{"a":' * 100_000, "is not JSON"),
        (b'{"fixed": {}, "fixed": {}}', "a word stands twice"),
        (b"[1, 2]", "should hold two objects"),
        (b"NaN", "should hold two objects"),
        (b'{"cat": "K AE T"}', "should hold two objects"),
        (b'{"attention": {}}', "should hold two objects"),
        (b'{"attention": {}, "fixed": []}', "should hold two objects"),
        (b'{"attention": {"cat": 3}, "fixed": {}}', "'attention', should map each word to its phonemes"),
        (b'{"attention": {"cat": ["K"]}, "fixed": {}}', "'attention', should map each word"),
        (b'{"attention": {"cat": "K", "cat": "K"}, "fixed": {}}', "a word stands twice"),
        (b'{"attention": {"cat": "K AE T"}, "fixed": {}}', "'attention', lacks 1200 of the 1,200 held-out words"),
        (b'{"attention": {"cat": "' + b"K " * 600_000 + b'"}}', "is larger than 1,000,000 bytes"),
        (b" " * 50_000_000, "is larger than 1,000,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:20],
)
def test_a_bad_predictions_file_gets_a_clear_sentence_at_once(tmp_path, content, sentence):
    path = tmp_path / "predictions.json"
    if content is not None:
        path.write_bytes(content)
    check.experiment_words()  # reading the dictionary takes its own time
    for mark in (check.predictions, check.predicted_per, lambda path: check.gain_points(4, path)):
        started = time.perf_counter()
        with pytest.raises(CheckFailed, match=sentence) as caught:
            mark(path)
        assert time.perf_counter() - started < 1
        assert len(str(caught.value)) < 500


def test_the_control_must_be_whole_too(written):
    path, said = written
    word, *_ = said["fixed"]
    path.write_text(json.dumps(said | {"fixed": {w: p for w, p in said["fixed"].items() if w != word}}))
    with pytest.raises(CheckFailed, match=f"'fixed', lacks 1 of the 1,200 held-out words, first '{word}'"):
        check.experiment_points(10, path)


@pytest.mark.parametrize("phonemes", [33, 300_000])
@pytest.mark.parametrize("model", experiment.MODELS)
def test_a_word_has_no_more_phonemes_than_the_experiment_writes(written, model, phonemes):
    path, said = written
    word, *_ = said[model]
    path.write_text(json.dumps(said | {model: said[model] | {word: "K " * phonemes}}))
    with pytest.raises(CheckFailed, match=f"'{model}', has {phonemes} phonemes for '{word}'; .* stops at 32"):
        check.experiment_points(10, path)


def test_odd_letters_in_predictions_are_wrong_phonemes(written, capsys):
    path, said = written
    odd = dict.fromkeys(said["fixed"], "\ud800 \u0000 \u2028 <unk>")
    path.write_text(json.dumps({"attention": odd, "fixed": odd}))
    check.predictions(path)
    capsys.readouterr().out.encode()
    assert check.experiment_points(10, path) == 0


def test_a_folder_in_place_of_the_file_is_no_file(tmp_path):
    (tmp_path / "predictions.json").mkdir()
    with pytest.raises(CheckFailed, match="is not beside the notebook"):
        check.predictions(tmp_path / "predictions.json")


def test_the_bands_are_those_of_the_five_recorded_seeds():
    record = recorded("attention_assignment")
    attention, fixed, gain = (record.metric(name) for name in ("attention_per", "fixed_per", "gain"))
    assert len(attention["values"]) == 5
    assert round(attention["mean"] + 3 * attention["std"], 3) == experiment.FULL_MARKS_PER
    assert round(fixed["mean"] - 3 * fixed["std"], 3) == experiment.TRIVIAL_PER
    assert round(gain["mean"] - 3 * gain["std"], 3) == experiment.FULL_MARKS_GAIN
    assert {experiment.band(per, 10) for per in attention["values"]} == {10}
    assert {experiment.band(per, 10) for per in fixed["values"]} == {0}


def test_the_record_shows_what_the_notebook_says_of_it():
    record = recorded("attention_assignment")
    for attention, fixed in zip(*(record.metric(f"{m}_per_by_length")["values"] for m in SCORES), strict=True):
        assert all(mine < control for mine, control in zip(attention, fixed, strict=True))  # at every length
    attention, fixed = (record.metric(f"{m}_per_by_length")["mean"] for m in SCORES)
    saved = [control - mine for mine, control in zip(attention, fixed, strict=True)]
    assert saved == sorted(saved)  # least with the shortest words, the more the longer they get
    assert fixed == sorted(fixed)  # climbs without a break
    assert max(attention) - min(attention) < 0.2 * (fixed[-1] - fixed[0])  # nearly level
    assert record.metric("fixed_accuracy_by_length")["mean"][-1] < 0.02
    accuracy = record.metric("attention_accuracy_by_length")["mean"]
    assert accuracy == sorted(accuracy, reverse=True)
    full = recorded("g2p")
    per = dict(zip(full.content["axes"]["letters"], full.metric("per_by_length")["mean"], strict=True))
    assert max(per[n] for n in range(4, 14)) - min(per[n] for n in range(4, 14)) < 0.02


def test_the_smoke_profile_only_shrinks_the_training(monkeypatch):
    full = check.experiment_words()
    monkeypatch.setenv("SEQ2BERT_PROFILE", "smoke")
    smoke = check.experiment_words()
    assert smoke[0] == full[0][: PROFILES["smoke"].train_words]
    assert smoke[1] == full[1]


def test_the_notebook_trains_as_the_recorded_reference_does():
    text = Assignment("04_attention").cells["experiment-train"]
    settings = PROFILES["full"]
    assert settings.train_words == experiment.TRAIN_WORDS
    assert f"choose(full={settings.epochs}, smoke={PROFILES['smoke'].epochs})" in text
    assert f"learning_rate={settings.learning_rate:g}".replace("0.008", "8e-3") in text
    assert f"{settings.batch_size}, generator" in text
    assert f'(("fixed", "{SCORES["fixed"]}"), ("attention", "{SCORES["attention"]}"))' in text
    assert '.preset("tiny"' in text
    assert (
        f"{experiment.LENGTHS[0][0]}, {experiment.LENGTHS[-1][-1] + 1}, 2"
        in Assignment("04_attention").cells["experiment-data"]
    )
