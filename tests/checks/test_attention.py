"""What the checks of assignment 04 draw, and what they say of odd answers."""

import random

import pytest
import torch

from seq2bert.checks import attention as check
from seq2bert.checks.task import CheckFailed, Task

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(100), *(random.Random(4).getrandbits(63) for _ in range(20)), 2**63 - 1]
HIDDEN_ONLY = {"squeezed", "one row of the mask for all", "exponentials overflow", "a length for a mask"}
HIDDEN_ONLY |= {"the largest score of all", "the largest score is a masked one"}


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    assert {m.name for task in TASKS for m in task.mistakes if not m.visible} == HIDDEN_ONLY


def test_hidden_states_come_alone_and_in_single_steps():
    shapes = [
        trial.arguments["query"].shape
        for task in (check.dot_scores, check.general_scores, check.additive_scores, check.look_back)
        for seed in SEEDS[:30]
        for trial in task.trials(seed, hidden=True)
    ]
    assert {shape[0] for shape in shapes} == {1, 2, 3}
    assert {shape[1] for shape in shapes} == {1, 2, 3, 4}


@pytest.mark.parametrize("task", [check.general_scores, check.additive_scores, check.look_back], ids=lambda t: t.name)
def test_the_reference_passes_gradients_on_to_the_weights(task):
    arguments = task.trials(0, hidden=False)[0].arguments
    weights = [value.requires_grad_() for name, value in arguments.items() if name.endswith("weight")]
    answer = task.reference(**arguments)
    (answer[0] if task is check.look_back else answer).square().sum().backward()
    assert weights
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


def test_additive_scores_are_not_at_the_flat_ends_of_the_tanh():
    for seed in SEEDS[:30]:
        for hidden in (False, True):
            for trial in check.additive_scores.trials(seed, hidden):
                query, memory, query_weight, key_weight, _ = trial.arguments.values()
                pairs = (query @ query_weight.T).unsqueeze(2) + (memory @ key_weight.T).unsqueeze(1)
                assert (pairs.abs() < 2).float().mean() > 0.5


def test_hidden_scores_are_beyond_exponentials_and_every_row_has_something_of_each():
    axes = set()
    for seed in SEEDS:
        for trial in check.masked_softmax.trials(seed, hidden=True):
            scores, mask = trial.arguments["scores"], trial.arguments["mask"]
            axes.add(scores.dim())
            assert scores[..., 0, :].exp().isinf().all()
            assert not scores[..., 1, :].exp().any()
            assert (scores[..., 2, ~mask[2]].amin(-1) > scores[..., 2, mask[2]].amax(-1) + 900).all()
            assert (mask.any(-1) & ~mask.all(-1)).all()
            assert trial.expected[0].isfinite().all()
            assert not trial.expected[0].masked_select(~mask).any()
    assert axes == {2, 3, 4}


def test_visible_masks_are_those_of_padding_and_hidden_ones_have_holes():
    for seed in SEEDS:
        for hidden in (False, True):
            for trial in check.look_back.trials(seed, hidden):
                mask = trial.arguments["mask"]
                prefix = torch.arange(mask.size(1)) < mask.sum(1, keepdim=True)
                assert (mask == prefix).all() == (not hidden)
                assert mask.any(1).all()
        assert any(trial.expected[1].max() > 0.999 for trial in check.look_back.trials(seed, hidden=True))


def test_no_step_hesitates_between_two_positions():
    for seed in SEEDS:
        for hidden in (False, True):
            for trial in check.alignment_path.trials(seed, hidden):
                best = trial.arguments["weights"].topk(2).values
                assert (best[..., 0] - best[..., 1]).min() >= 1e-3


def test_weights_are_rows_that_sum_to_1_with_zeros_and_there_is_padding():
    for seed in SEEDS:
        for task in (check.alignment_path, check.attention_entropy):
            for hidden in (False, True):
                trials = [trial.arguments for trial in task.trials(seed, hidden)]
                assert all(torch.allclose(trial["weights"].sum(-1), torch.ones(())) for trial in trials)
                assert any((trial["weights"] == 0).any() for trial in trials)
                assert any((trial["target_lengths"] < trial["weights"].size(1)).any() for trial in trials)


def test_a_look_at_one_position_has_no_entropy_and_a_plain_one_has_the_logarithm():
    lengths = torch.tensor([3])
    assert check.reference_attention_entropy(torch.eye(3).unsqueeze(0), lengths) == 0
    even = check.reference_attention_entropy(torch.full((1, 3, 5), 0.2), lengths)
    assert even.exp().item() == pytest.approx(5)


def test_a_hidden_check_does_not_tell_the_answer():
    with pytest.raises(CheckFailed) as visible:
        check.dot_scores(lambda query, memory: torch.zeros(2, 3, 4))
    with pytest.raises(CheckFailed) as hidden:
        check.attention_entropy(lambda weights, target_lengths: -1.0, hidden=True)
    assert "should be" in str(visible.value)
    assert "should be" not in str(hidden.value)


def stub(**arguments):
    raise NotImplementedError


def masks_in_place(scores, mask):
    scores.masked_fill_(~mask, float("-inf"))
    return scores.softmax(-1)


def empties_what_it_was_given(weights, target_lengths):
    target_lengths.zero_()
    return weights.argmax(-1)


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (check.dot_scores, stub, "dot_scores is not written yet"),
        (check.dot_scores, lambda query, memory: None, r"should be a tensor, is None \(is there a return"),
        (check.dot_scores, lambda query, memory: query @ memory, "dot_scores raised RuntimeError"),
        (check.dot_scores, lambda query, memory: (query @ memory.mT).long(), "should hold torch.float32 numbers"),
        (
            check.general_scores,
            lambda query, memory, weight: query,
            r"the scores should have the shape \(2, 3, 4\), has \(2, 3, 5\)",
        ),
        (check.additive_scores, lambda query, memory, **weights: [0.5], "should be a tensor, is a list"),
        (check.masked_softmax, masks_in_place, "changed its argument scores in place; make a new tensor"),
        (check.masked_softmax, lambda scores, mask: scores > 0, "should hold torch.float32 numbers, holds torch.bool"),
        (
            check.look_back,
            lambda query, memory, mask, weight: query,
            r"should return 2 values \(contexts, weights\), returned 1",
        ),
        (check.look_back, lambda query, memory, mask, weight: (query, query), "contexts is wrong in 72 of 72 places"),
        (check.alignment_path, empties_what_it_was_given, "changed its argument target_lengths in place"),
        (check.alignment_path, lambda weights, target_lengths: weights, r"should have the shape \(3, 5\)"),
        (check.attention_entropy, lambda weights, target_lengths: weights, "should be a single number, is a tensor"),
        (check.attention_entropy, lambda weights, target_lengths: 0.0, "the entropy is 0, should be"),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""
