"""What the checks of assignment 02 draw, and what they say of odd answers."""

import random

import pytest
import torch
from torch import nn

from seq2bert.checks import recurrent as check
from seq2bert.checks.task import CheckFailed, Task

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(100), *(random.Random(3).getrandbits(63) for _ in range(20)), 2**63 - 1]
HIDDEN_ONLY = {"exponentials overflow", "blended by multiplication", "only the first tokens", "zero over zero"}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    assert {m.name for task in TASKS for m in task.mistakes if not m.visible} == HIDDEN_ONLY


@pytest.mark.parametrize(
    ("task", "kind"), [(check.rnn_step, nn.RNNCell), (check.gru_step, nn.GRUCell), (check.lstm_step, nn.LSTMCell)]
)
def test_the_reference_is_torchs_cell_and_passes_gradients_on(task, kind):
    for hidden in (False, True):
        for trial in task.trials(0, hidden):
            weights, inputs, *state = trial.arguments.values()
            cell = kind(inputs.size(1), state[0].size(1))
            cell.load_state_dict(weights)
            theirs = cell(inputs, *([tuple(state)] if len(state) > 1 else state))
            for one, other in zip(trial.expected, theirs if len(state) > 1 else (theirs,), strict=True):
                torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    weights = {name: weight.requires_grad_() for name, weight in weights.items()}
    answer = task.reference(weights, inputs, *state)
    (answer[0] if len(state) > 1 else answer).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in weights.values())


def test_hidden_cells_are_saturated_and_may_have_a_single_row():
    rows = set()
    for task in (check.rnn_step, check.gru_step, check.lstm_step):
        for seed in SEEDS[:30]:
            for trial in task.trials(seed, hidden=True):
                sums = check._sums(*list(trial.arguments.values())[:3])
                gates = sum(sums).view(len(sums[0]), -1, trial.arguments["hidden"].size(1))  # (B, G, H)
                assert gates[..., 0].exp().isinf().all()
                assert not any(answer.isnan().any() for answer in trial.expected)
                rows.add(len(trial.arguments["inputs"]))
    assert rows == {1, 2, 3, 4}


def test_hidden_padding_stands_anywhere_and_may_be_nan():
    for seed in SEEDS:
        for trial in check.read.trials(seed, hidden=True):
            mask, inputs = trial.arguments["mask"], trial.arguments["inputs"]
            assert mask[0].all()
            assert mask[-2:].sum(1).tolist() == [1, 0]
            assert inputs[2:][~mask[2:]].isnan().all()
            assert inputs[1][~mask[1]].isfinite().all()  # else two of the mistakes would give the same
            assert not any(answer.isnan().any() for answer in trial.expected)
            assert trial.expected[1][-1].tolist() == [0.0] * 4
        assert all(trial.arguments["inputs"].isfinite().all() for trial in check.read.trials(seed, hidden=False))


def test_some_gradients_are_clipped_and_some_are_not_and_none_nearly():
    for seed in SEEDS:
        for hidden in (False, True):
            factors = []
            for trial in check.clip_gradients.trials(seed, hidden):
                factors.append(round(float(trial.expected[1]) / trial.arguments["max_norm"], 3))
            assert set(factors) == ({0.0, 0.7, 4.0} if hidden else {0.6, 3.0})


def test_hidden_spans_reach_from_one_step_to_more_than_there_are():
    spans = set()
    for seed in SEEDS:
        for trial in check.truncated_bptt.trials(seed, hidden=True):
            spans.add((trial.arguments["span"], trial.arguments["inputs"].size(1)))
    assert {span for span, _ in spans} == set(range(1, 9))
    assert any(span > steps for span, steps in spans)


@pytest.mark.parametrize("span", [1, 2, 3, 4, 8, 20])
def test_the_gradient_by_hand_is_that_of_autograd(span):
    arguments = check.draw_bptt(3, 8, span, generator(span))
    loss, gradient = check.reference_truncated_bptt(**arguments)
    by_hand = check._bptt_variant()(**arguments)
    assert by_hand[0].item() == pytest.approx(loss.item(), rel=1e-5)
    torch.testing.assert_close(by_hand[1].float(), gradient, rtol=1e-4, atol=1e-4)


def test_a_span_as_long_as_the_sequence_truncates_nothing():
    arguments = check.draw_bptt(2, 6, 6, generator())
    full = check._bptt_variant(cut=lambda t, span: False)(**arguments)
    torch.testing.assert_close(full[1].float(), check.reference_truncated_bptt(**arguments)[1], rtol=1e-4, atol=1e-4)


def test_a_gradient_asked_of_the_argument_itself_is_no_change_in_place(capsys):
    def asks(weights, inputs, targets, span):
        weights["weight_hh"].requires_grad_()
        return check.reference_truncated_bptt(weights, inputs, targets, span)

    check.truncated_bptt(asks)
    check.truncated_bptt(asks, hidden=True)
    assert "right on 2 draws" in capsys.readouterr().out


def stub(**arguments):
    raise NotImplementedError


def clips_in_place(gradients, max_norm):
    for gradient in gradients:
        gradient.mul_(0.5)
    return gradients, 1.0


def never_detaches(weights, inputs, targets, span):
    leaf = weights["weight_hh"].clone().requires_grad_()
    hidden = inputs.new_zeros(len(inputs), len(leaf))
    for t in range(inputs.size(1)):
        hidden = torch.tanh(hidden @ leaf.T + inputs[:, t] @ weights["weight_ih"].T)
        if t % span == span - 1:
            hidden.sum().backward()
    return hidden.sum(), leaf.grad


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (check.rnn_step, stub, "rnn_step is not written yet"),
        (check.rnn_step, lambda weights, inputs, hidden: (hidden,), "hidden should be a tensor, is a tuple"),
        (
            check.rnn_step,
            lambda weights, inputs, hidden: inputs @ weights["weight_ih"],
            "raised RuntimeError: ",
        ),
        (check.gru_step, lambda weights, inputs, hidden: hidden[0], r"hidden should have the shape \(3, 5\), has \(5,"),
        (
            check.lstm_step,
            lambda weights, inputs, hidden, memory: hidden,
            r"should return 2 values \(hidden, memory\), returned 1",
        ),
        (check.read, lambda weights, inputs, mask: (inputs, mask), r"outputs should have the shape \(3, 5, 2\)"),
        (check.clip_gradients, clips_in_place, "changed its argument gradients in place"),
        (check.clip_gradients, lambda gradients, max_norm: gradients[:1], "returned 1"),
        (
            check.clip_gradients,
            lambda gradients, max_norm: (gradients[0], 1.0),
            "clipped should be a list, is a tensor of shape",
        ),
        (
            check.clip_gradients,
            lambda gradients, max_norm: (gradients[:1], 1.0),
            "clipped should have 2 items, has 1",
        ),
        (
            check.clip_gradients,
            lambda gradients, max_norm: ([gradient + 1 for gradient in gradients], 1.0),
            r"clipped at \[0\] is wrong in 12 of 12 places, first at \[0, 0\]: ",
        ),
        (check.truncated_bptt, never_detaches, "Trying to backward through the graph a second time"),
        (
            check.truncated_bptt,
            lambda weights, inputs, targets, span: (0.0, None),
            "loss is 0, should be",
        ),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""


def test_a_hidden_check_does_not_tell_the_answer():
    for hidden in (False, True):
        with pytest.raises(CheckFailed) as caught:
            check.clip_gradients(lambda gradients, max_norm: (gradients, -1.0), hidden=hidden)
        assert ("should be" in str(caught.value)) == (not hidden)
