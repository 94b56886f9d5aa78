"""What the checks of assignment 03 draw, and what they say of odd answers."""

import random

import pytest
import torch

from seq2bert.checks import seq2seq as check
from seq2bert.checks.task import CheckFailed, Task

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(200), *(random.Random(3).getrandbits(63) for _ in range(50)), 2**63 - 1]
HIDDEN_ONLY = {"padding is always 0", "eos is always 2", "exponentials overflow", "probabilities multiplied"}
HIDDEN_ONLY |= {"silence is free", "shorter on a tie"}


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    assert {m.name for task in TASKS for m in task.mistakes if not m.visible} == HIDDEN_ONLY


def test_each_loss_has_padding_and_large_hidden_logits_overflow():
    for seed in SEEDS:
        for hidden in (False, True):
            for trial in check.sequence_loss.trials(seed, hidden):
                labels, pad_id = trial.arguments["labels"], trial.arguments["pad_id"]
                assert (labels[1:] == pad_id).any(-1).all()
                assert trial.arguments["logits"].exp().sum(-1).isinf().any() == hidden


def test_the_best_candidates_of_a_beam_are_never_nearly_equal():
    for task in (check.beam_step, check.beam_of_one):
        for seed in SEEDS:
            for trial in task.trials(seed, hidden=True):
                scores = trial.expected[0]
                assert ((scores[:, :-1] - scores[:, 1:]) >= 1e-3).all()


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
        (check.shift, 5, "shift raised TypeError: 'int' object is not callable"),
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
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""


def test_a_mistake_that_cannot_show_here_is_not_blamed():
    with pytest.raises(CheckFailed) as caught:
        check.beam_step(lambda **step: check.chapter.beam_step(**step)[:2])
    assert "returned 2" in str(caught.value)
    assert "taken for" not in str(caught.value)
