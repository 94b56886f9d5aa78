"""What the checks of assignment 08 draw, and what they say of odd answers."""

import random

import pytest
import torch

from seq2bert.checks import gpt as check
from seq2bert.checks.task import CheckFailed, Task

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(40), *(random.Random(8).getrandbits(63) for _ in range(10)), 2**63 - 1]
TRAINED_THROUGH = {  # what must reach these arguments is a gradient
    check.language_model_loss: ("logits",),
    check.attention_step: ("hidden", "weights", "kept"),
    check.classify: ("hidden", "weight", "bias"),
    check.fine_tuning_loss: ("answers", "logits"),
}


def trials(task, hidden, seeds=SEEDS):
    return [trial for seed in seeds for trial in task.trials(seed, hidden)]


def changed(value, change):
    """A value with each tensor of real numbers in it changed."""
    if isinstance(value, torch.Tensor):
        return change(value) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: changed(part, change) for key, part in value.items()}
    return tuple(changed(part, change) for part in value) if isinstance(value, tuple) else value


def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [tensor for part in parts for tensor in tensors(part)]


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    hidden_only = {m.name for task in TASKS for m in task.mistakes if not m.visible}
    assert hidden_only == {"always begins with 1", "padding is always 0", "exponentials overflow"}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_double_precision_gives_the_same_within_a_tenth_of_the_tolerance(task):
    for trial in trials(task, hidden=True, seeds=SEEDS[:15]):
        answer = task.reference(**changed(trial.arguments, torch.Tensor.double))
        for mine, right in zip(tensors(answer), tensors(trial.expected), strict=True):
            apart = (mine - right)[right.isfinite()] if right.is_floating_point() else (mine != right).float()
            assert not apart.numel() or apart.abs().max() < task.tolerance / 10
            assert torch.equal(mine.isfinite(), right.isfinite())


@pytest.mark.parametrize("task", TRAINED_THROUGH, ids=lambda task: task.name)
def test_the_reference_passes_gradients_on(task):
    trial = next(trial for trial in trials(task, hidden=False) if trial.arguments.get("kept", ()) is not None)
    given = changed(trial.arguments, lambda tensor: tensor.clone().requires_grad_())
    sum(output.square().sum() for output in tensors(task.reference(**given))).backward()
    for name in TRAINED_THROUGH[task]:
        assert all(tensor.grad.abs().sum() > 0 for tensor in tensors(given[name])), name


def test_masks_are_asked_for_with_nothing_kept_and_with_much():
    kept = {trial.arguments["kept"] for trial in trials(check.causal_mask, hidden=True)}
    assert 0 in kept
    assert max(kept) > 10
    assert 1 in {trial.arguments["new"] for trial in trials(check.causal_mask, hidden=True)}


def test_visible_padding_is_0_and_hidden_padding_is_not_and_0_may_be_a_token():
    for task in (check.language_model_loss, check.fine_tuning_loss):
        assert {trial.arguments["pad_id"] for trial in trials(task, hidden=False)} == {0}
        found = trials(task, hidden=True)
        assert all(trial.arguments["pad_id"] > 1 for trial in found)
        assert any((trial.arguments["ids"] == 0).any() for trial in found)
        for trial in found:
            ids, pad_id = trial.arguments["ids"], trial.arguments["pad_id"]
            real = ids != pad_id
            assert real[:, 0].all()
            assert (real == (torch.arange(ids.size(1)) < real.sum(1, keepdim=True))).all()  # at the ends


def test_every_text_of_fine_tuning_has_a_token_to_guess():
    for trial in trials(check.fine_tuning_loss, hidden=True):
        assert (trial.arguments["ids"][:, 1:] != trial.arguments["pad_id"]).any(1).all()


def test_one_logit_is_200_and_the_loss_is_finite():
    for trial in trials(check.language_model_loss, hidden=True):
        assert trial.arguments["logits"].max() == 200
        assert trial.expected[0].isfinite()


def test_filters_never_have_to_decide_what_rounding_decides():
    whole = ties = 0
    for trial in trials(check.filter_logits, hidden=True) + trials(check.filter_logits, hidden=False):
        logits, temperature, top_k, top_p = (
            trial.arguments[name] for name in ("logits", "temperature", "top_k", "top_p")
        )
        stays = trial.expected[0].isfinite()
        assert stays.any(-1).all()
        left = check.filter_logits.reference(logits.double(), temperature, top_k)
        if top_k is not None and top_k < logits.size(-1):
            assert (left.isfinite().sum(-1) == top_k + 1).all()  # two tie for the last place
            ties += 1
        if top_p is None:
            continue
        probabilities = left.softmax(-1)
        kept = (probabilities * stays).sum(-1)
        weakest = probabilities.masked_fill(~stays, 2).min(-1).values
        assert top_p == 1 or (kept > top_p + 9e-4).all()
        assert ((kept - weakest < top_p - 9e-4) | (stays.sum(-1) == 1)).all()
        gone = probabilities.masked_fill(stays, 0).max(-1).values
        assert (weakest > gone).all()
        if top_p == 1:
            assert torch.equal(stays, left.isfinite())
            whole += 1
    assert whole
    assert ties


def test_hidden_filters_come_in_all_shapes_and_can_be_loud():
    found = trials(check.filter_logits, hidden=True)
    assert {trial.arguments["logits"].dim() for trial in found} == {1, 2, 3}
    assert {trial.arguments["logits"].max().item() > 250 for trial in found} == {True, False}
    ks = [(trial.arguments["top_k"], trial.arguments["logits"].size(-1)) for trial in found]
    assert any(k == 1 for k, _ in ks)
    assert any(k and k > vocab for k, vocab in ks)


def test_pieces_of_any_size_are_asked_for_and_what_is_kept_is_what_was_returned():
    shapes = set()
    for trial in trials(check.attention_step, hidden=True):
        given = trial.arguments
        kept = 0 if given["kept"] is None else given["kept"][0].size(2)
        shapes.add((given["hidden"].size(1) == 1, kept > 0))
        key, value = trial.expected[1]
        assert key.shape == value.shape
        assert key.shape[:3] == (len(given["hidden"]), given["num_heads"], kept + given["hidden"].size(1))
        if kept:
            assert torch.equal(key[:, :, :kept], given["kept"][0])
    assert len(shapes) == 4


def test_reading_in_pieces_is_reading_at_once():
    given = check.attention_step.visible(torch.Generator().manual_seed(0)) | {"kept": None}
    hidden = torch.randn(2, 9, 12, generator=torch.Generator().manual_seed(1))
    whole, _ = check.attention_step.reference(**given | {"hidden": hidden})
    kept, found = None, []
    for piece in hidden.split([4, 1, 1, 3], 1):
        answer, kept = check.attention_step.reference(**given | {"hidden": piece, "kept": kept})
        found.append(answer)
    torch.testing.assert_close(torch.cat(found, 1), whole, atol=1e-5, rtol=0)


def test_a_hidden_check_does_not_tell_the_answer():
    for hidden in (False, True):
        with pytest.raises(CheckFailed) as caught:
            check.language_model_loss(lambda **arguments: -1.0, hidden=hidden)
        assert ("should be" in str(caught.value)) == (not hidden)


def stub(**arguments):
    raise NotImplementedError


def divides_in_place(logits, temperature, top_k, top_p):
    return logits.div_(temperature)


def asks_for_too_many(logits, temperature, top_k, top_p):
    worst = (logits / temperature).topk(logits.size(-1) + 1)
    return worst.values


def grows_in_place(hidden, weights, num_heads, kept):
    answer = check.attention_step.reference(hidden, weights, num_heads, kept)
    if kept is not None:
        kept[0].zero_()
    return answer


def three_values(**arguments):
    found, (key, value) = check.attention_step.reference(**arguments)
    return found, key, value


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (check.causal_mask, stub, "causal_mask is not written yet"),
        (check.causal_mask, lambda new, kept: torch.ones(new, kept + new).tril(kept), "should hold torch.bool numbers"),
        (check.after_bos, lambda ids, bos_id: ids[:, 1:], r"what is read should have the shape \(3, 5\), has \(3, 4\)"),
        (check.after_bos, lambda ids: ids, "raised TypeError"),
        (check.language_model_loss, lambda logits, ids, pad_id: logits, "should be a single number, is a tensor of"),
        (check.language_model_loss, lambda logits, ids, pad_id: None, r"is None \(is there a return"),
        (check.filter_logits, divides_in_place, "changed its argument logits in place; make a new tensor"),
        (check.filter_logits, asks_for_too_many, r"raised RuntimeError: .* out of range"),
        (check.filter_logits, lambda logits, **rest: logits.tolist(), "should be a tensor, is a list"),
        (check.attention_step, grows_in_place, "changed its argument kept in place"),
        (check.attention_step, three_values, r"should return 2 values \(what was found, what is kept\), returned 3"),
        (check.attention_step, lambda hidden, **rest: (hidden, None), "what was found is wrong in 120 of 120 places"),
        (check.classify, lambda hidden, **rest: hidden, r"should have the shape \(4, 3\), has \(4, 6, 8\)"),
        (check.fine_tuning_loss, lambda **rest: torch.zeros(3), "should be a single number, is a tensor of shape"),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (lambda key, value: None, r"what is kept should be a list, is None"),
        (lambda key, value: key, r"what is kept should be a list, is a tensor"),
        (lambda key, value: (key,), "what is kept should have 2 items, has 1"),
        (lambda key, value: (key, value.transpose(1, 2)), r"what is kept at \[1\] should have the shape"),
    ],
)
def test_what_is_kept_is_looked_into(kept, sentence):
    def step(**arguments):
        found, pair = check.attention_step.reference(**arguments)
        return found, kept(*pair)

    with pytest.raises(CheckFailed, match=sentence):
        check.attention_step(step)
