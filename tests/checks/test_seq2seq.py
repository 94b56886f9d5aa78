"""Every check: the reference passes, every known mistake fails and is named, odd answers get a clear sentence."""

import json

import pytest
import torch

from seq2bert.checks import seq2seq as check
from seq2bert.checks.task import CheckFailed, Task
from seq2bert.results import recorded

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
MISTAKES = [(task, mistake) for task in TASKS for mistake in task.mistakes if task is not check.beam_of_one]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("hidden", [False, True])
def test_the_reference_passes_on_any_seed(task, hidden, capsys):
    for seed in range(12):
        task(task.reference, seed=seed, hidden=hidden)
    assert "right on 4" in capsys.readouterr().out


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_at_least_five_mistakes_are_known(task):
    assert len(task.mistakes) >= 5


@pytest.mark.parametrize(("task", "mistake"), MISTAKES, ids=lambda x: x.name)
def test_every_known_mistake_is_caught_and_named(task, mistake):
    for seed in range(12):
        with pytest.raises(CheckFailed) as caught:
            task(mistake.function, seed=seed, hidden=True)
        assert mistake.advice in str(caught.value)


HIDDEN_ONLY = {"padding is always 0", "eos is always 2", "exponentials overflow", "probabilities multiplied"}
HIDDEN_ONLY |= {"silence is free", "shorter on a tie"}


@pytest.mark.parametrize(("task", "mistake"), MISTAKES, ids=lambda x: x.name)
def test_the_visible_check_names_it_too_unless_it_needs_other_ids(task, mistake):
    if mistake.name in HIDDEN_ONLY:
        task(mistake.function)
    else:
        with pytest.raises(CheckFailed, match=r".") as caught:
            task(mistake.function)
        assert mistake.advice in str(caught.value)


def test_a_hidden_check_does_not_tell_the_answer():
    with pytest.raises(CheckFailed) as visible:
        check.decoder_step(lambda weights, token, hidden: (torch.zeros(3, 7), hidden))
    with pytest.raises(CheckFailed) as hidden:
        check.error_rates(lambda hypotheses, references: (0.5, 0.5), hidden=True)
    assert "should be" in str(visible.value)
    assert "should be" not in str(hidden.value)


def stub(**arguments):
    raise NotImplementedError


def crash(**arguments):
    return {}["key"]


def harm(logits, labels, pad_id=0):
    logits.zero_()
    return logits.sum()


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (check.shift, stub, "shift is not written yet"),
        (check.shift, crash, r"shift raised KeyError: 'key'\n\(with targets \(3, "),
        (check.shift, lambda targets: targets, r"should return 2 values \(inputs, labels\), returned 1"),
        (check.shift, lambda targets: None, "returned 1"),
        (
            check.sequence_loss,
            lambda logits, labels, pad_id=0: None,
            r"should be a single number, is None \(is there a return",
        ),
        (
            check.sequence_loss,
            lambda logits, labels, pad_id=0: logits,
            "should be a single number, is a tensor of shape",
        ),
        (check.sequence_loss, harm, "changed its argument logits in place"),
        (check.sequence_loss, lambda logits, labels, pad_id=0: float("nan"), "the loss is nan, should be"),
        (check.decoder_step, lambda weights, token, hidden: (hidden, hidden), r"should have the shape \(3, 7\)"),
        (check.decoder_step, lambda weights, token, hidden: ([[1.0]], hidden), "should be a tensor, is a list"),
        (check.beam_step, lambda scores, log_probs, finished, eos_id: (scores * float("nan"),) * 3, "is wrong in 6 of"),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence):
        task(answer)


def test_answers_that_always_claim_to_be_equal_do_not_pass():
    class Yes(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    with pytest.raises(CheckFailed):
        check.sequence_loss(lambda logits, labels, pad_id=0: Yes(0.0))


@pytest.fixture
def written(tmp_path):
    """The held-out words with their first right pronunciation, in a file."""
    path = tmp_path / "predictions.json"
    said = {entry.word: " ".join(entry.pronunciations[0]) for entry in check.experiment_words()[1]}
    path.write_text(json.dumps(said))
    return path, said


def test_right_predictions_earn_all_points_and_silence_none(written):
    path, said = written
    check.predictions(path)
    assert check.experiment_points(14, path) == 14
    path.write_text(json.dumps(dict.fromkeys(said, "")))
    assert check.experiment_points(14, path) == 0


def test_bands_fall_as_errors_grow():
    between = (check.FULL_MARKS_PER + check.TRIVIAL_PER) / 2
    marks = [
        check.band(per, 12) for per in (0.0, check.FULL_MARKS_PER, between, between + 0.01, check.TRIVIAL_PER, 2.0)
    ]
    assert marks == [12, 12, 8, 4, 0, 0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "predictions.json is not beside the notebook"),
        ("{", "is not JSON"),
        ("[1, 2]", "should map each word to its phonemes"),
        ('{"cat": 3}', "should map each word"),
        ('{"cat": "K AE T"}', "lacks 1000 of the 1000 held-out words"),
    ],
)
def test_a_bad_predictions_file_gets_a_clear_sentence(tmp_path, text, sentence):
    path = tmp_path / "predictions.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CheckFailed, match=sentence):
        check.experiment_points(14, path)


def test_the_bands_are_those_of_the_five_recorded_seeds():
    per = recorded("seq2seq_assignment").metric("per")
    assert len(per["values"]) == 5
    assert round(per["mean"] + 3 * per["std"], 3) == check.FULL_MARKS_PER
    trivial = recorded("seq2seq_assignment").metric("letter_by_letter_per")["mean"]
    assert int(10_000 * trivial) / 10_000 == check.TRIVIAL_PER
    assert check.band(trivial, 14) == 0


def test_the_smoke_profile_only_shrinks_the_training(monkeypatch):
    full = check.experiment_words()
    monkeypatch.setenv("SEQ2BERT_PROFILE", "smoke")
    smoke = check.experiment_words()
    assert smoke[0] == full[0][:2000]
    assert smoke[1] == full[1]


def right_loss(logits, labels, pad_id=0):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=pad_id)


HONEST = [
    (check.shift, lambda targets: [targets[:, :-1].clone(), targets[:, 1:].int()]),
    (check.sequence_loss, lambda logits, labels, pad_id=0: right_loss(logits.double(), labels, pad_id)),
    (check.sequence_loss, lambda logits, labels, pad_id=0: right_loss(logits, labels, pad_id).numpy()[()]),
    (check.sequence_loss, lambda logits, labels, pad_id=0: right_loss(logits, labels, pad_id).item()),
    (check.decoder_step, lambda **step: list(check.reference_decoder_step(**step))),
    (check.beam_step, lambda **step: list(check.chapter.beam_step(**step))),
    (check.beam_step, lambda **step: tuple(part.double() for part in check.chapter.beam_step(**step))),
    (check.error_rates, lambda **words: list(check.reference_error_rates(**words))),
]


@pytest.mark.parametrize(("task", "function"), HONEST)
def test_honest_variants_pass(task, function):
    task(function)
    task(function, hidden=True, seed=3)


def test_a_mistake_that_cannot_show_here_is_not_blamed():
    with pytest.raises(CheckFailed) as caught:
        check.beam_step(lambda **step: check.chapter.beam_step(**step)[:2])
    assert "returned 2" in str(caught.value)
    assert "taken for" not in str(caught.value)
