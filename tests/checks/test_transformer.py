"""What the checks of assignment 05 draw, and what they say of odd answers."""

import random

import pytest
import torch

from seq2bert.checks import transformer as check
from seq2bert.checks.task import CheckFailed, Task

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(60), *(random.Random(5).getrandbits(63) for _ in range(20)), 2**63 - 1]
WITH_MASKS = [task for task in TASKS if "mask" in task.trials(0, hidden=True)[0].arguments]
WITH_WEIGHTS = [check.multi_head_attention, check.encoder_layer]


def trials(task, hidden, seeds=SEEDS):
    return [trial for seed in seeds for trial in task.trials(seed, hidden)]


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    hidden_only = {m.name for task in TASKS for m in task.mistakes if not m.visible}
    assert hidden_only == {"exponentials overflow", "padding is always 0"}


def test_one_hidden_score_is_100_and_none_is_larger():
    for trial in trials(check.scaled_dot_product_attention, hidden=True):
        query, key, mask = (trial.arguments[name] for name in ("query", "key", "mask"))
        scores = query[0, 0, 0] @ key[0, 0].T / query.size(-1) ** 0.5
        assert scores[0].item() == pytest.approx(100, abs=1e-3)
        assert scores.max() < 100.01
        assert mask is None or mask[..., 0].all()
        assert all(output.isfinite().all() for output in trial.expected)


def test_double_precision_gives_the_same_within_a_tenth_of_the_tolerance():
    for task in (check.scaled_dot_product_attention, *WITH_WEIGHTS):
        for trial in trials(task, hidden=True):
            given = {
                name: {key: value.double() for key, value in part.items()}
                if isinstance(part, dict)
                else part.double()
                if isinstance(part, torch.Tensor) and part.is_floating_point()
                else part
                for name, part in trial.arguments.items()
            }
            answer = task.reference(**given)
            for mine, right in zip(answer if isinstance(answer, tuple) else (answer,), trial.expected, strict=True):
                assert (mine - right).abs().max() < task.tolerance / 10


@pytest.mark.parametrize("task", WITH_MASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
def test_every_row_of_a_mask_allows_something_and_hidden_masks_come_in_all_shapes(task, hidden):
    masks = [trial.arguments["mask"] for trial in trials(task, hidden)]
    assert all(mask.any(-1).all() for mask in masks if mask is not None)
    assert any(not mask.all() for mask in masks if mask is not None)
    kinds = {None if mask is None else (mask.dim(), mask.size(-2) > 1) for mask in masks}
    assert not hidden or kinds >= {None, (2, True), (4, False), (4, True)}


def test_hidden_batches_and_sequences_come_alone():
    shapes = [trial.arguments["hidden"].shape for task in WITH_WEIGHTS for trial in trials(task, hidden=True)]
    assert {shape[0] for shape in shapes} == {1, 2, 3}
    assert 1 in {shape[1] for shape in shapes}


@pytest.mark.parametrize("task", WITH_WEIGHTS, ids=lambda task: task.name)
def test_the_reference_passes_gradients_on_to_the_weights(task):
    arguments = task.trials(0, hidden=False)[0].arguments
    weights = {name: value.requires_grad_() for name, value in arguments["weights"].items()}
    task.reference(**arguments).square().sum().backward()
    gradients = {name: weight.grad.abs().sum() for name, weight in weights.items()}
    assert all(size > 0 for size in gradients.values()), gradients


def test_visible_padding_is_at_the_end_and_hidden_padding_anywhere():
    for trial in trials(check.decoder_mask, hidden=False):
        real = trial.arguments["ids"] != 0
        assert trial.arguments["pad_id"] == 0
        assert (real == (torch.arange(5) < real.sum(1, keepdim=True))).all()
    found = trials(check.decoder_mask, hidden=True)
    assert all(trial.arguments["pad_id"] > 0 for trial in found)
    assert any((trial.arguments["ids"][:, 0] == trial.arguments["pad_id"]).any() for trial in found)
    assert all(trial.expected[0].any(-1).all() for trial in found)


def test_both_places_for_the_norm_are_asked_whatever_the_seed():
    for seed in SEEDS:
        for hidden in (False, True):
            assert {trial.arguments["norm_first"] for trial in check.encoder_layer.trials(seed, hidden)} == {
                True,
                False,
            }


def test_without_positions_no_order_is_noticed_and_with_them_every_one():
    silent = set()
    for trial in trials(check.order_sensitivity, hidden=True):
        given, (expected,) = trial.arguments, trial.expected
        silent.add(not given["positions"].any().item())
        moved = (given["order"] != torch.arange(len(given["order"]))).any()
        assert expected < 1e-5 if not given["positions"].any() or not moved else expected > 1e-3
    assert silent == {True, False}


def test_a_hidden_check_does_not_tell_the_answer():
    for hidden in (False, True):
        with pytest.raises(CheckFailed) as caught:
            check.order_sensitivity(lambda **arguments: -1.0, hidden=hidden)
        assert ("should be" in str(caught.value)) == (not hidden)


def stub(**arguments):
    raise NotImplementedError


def masks_in_place(query, key, value, mask=None):
    mask.logical_not_()
    weights = (query @ key.mT).masked_fill(mask, float("-inf")).softmax(-1)
    return weights @ value, weights


def pops_its_weights(hidden, memory, weights, num_heads, mask=None):
    return hidden @ weights.pop("query_weight").T


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (check.scaled_dot_product_attention, stub, "scaled_dot_product_attention is not written yet"),
        (
            check.scaled_dot_product_attention,
            lambda query, key, value, mask: value,
            r"should return 2 values \(the mixture, the weights\), returned 1",
        ),
        (check.scaled_dot_product_attention, masks_in_place, "changed its argument mask in place; make a new tensor"),
        (
            check.scaled_dot_product_attention,
            lambda query, key, value, mask: (query, query),
            r"the mixture should have the shape \(2, 5, 4\), has \(2, 5, 8\)",
        ),
        (check.multi_head_attention, pops_its_weights, "changed its argument weights in place"),
        (check.multi_head_attention, lambda hidden, **rest: None, r"should be a tensor, is None \(is there a return"),
        (check.multi_head_attention, lambda hidden, memory: hidden, "raised TypeError"),
        (check.causal_mask, lambda size: torch.ones(size, size).tril(), "should hold torch.bool numbers"),
        (check.decoder_mask, lambda ids, pad_id: ids != pad_id, r"should have the shape \(3, 1, 5, 5\)"),
        (check.sinusoidal_positions, lambda num_positions, width: [[0.0]], "should be a tensor, is a list"),
        (check.encoder_layer, lambda hidden, **rest: hidden, "the output is wrong in 80 of 80 places"),
        (check.order_sensitivity, lambda hidden, **rest: hidden, "should be a single number, is a tensor of shape"),
        (check.order_sensitivity, lambda **arguments: 70, "the difference is 70, should be"),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""
