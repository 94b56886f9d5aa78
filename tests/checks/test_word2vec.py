"""What the checks of assignment 06 draw, and what they say of odd answers."""

import random

import pytest
import torch

from seq2bert.checks import word2vec as check
from seq2bert.checks.task import CheckFailed, Task

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(40), *(random.Random(6).getrandbits(63) for _ in range(10)), 2**63 - 1]


def trials(task, hidden, seeds=SEEDS):
    return [trial for seed in seeds for trial in task.trials(seed, hidden)]


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    hidden_only = {m.name for task in TASKS for m in task.mistakes if not m.visible}
    assert hidden_only == {"power fixed", "logarithm of 0", "exponentials overflow"}


def test_double_precision_gives_the_same_within_a_tenth_of_the_tolerance():
    for task in (check.negative_sampling_loss, check.skip_gram_gradients):
        for trial in trials(task, hidden=True):
            given = {n: t.double() if t.is_floating_point() else t for n, t in trial.arguments.items()}
            answer = task.reference(**given)
            for mine, right in zip(answer if isinstance(answer, tuple) else (answer,), trial.expected, strict=True):
                assert (mine - right).abs().max() < task.tolerance / 10


# Windows


def test_hidden_texts_have_sentences_of_a_single_word_and_some_have_no_pair():
    texts = [trial.arguments for trial in trials(check.skip_gram_pairs, hidden=True)]
    lengths = [text["sentences"].unique(return_counts=True)[1] for text in texts]
    assert any((sizes == 1).any() and len(sizes) > 1 for sizes in lengths)
    assert any(len(sizes) == 1 for sizes in lengths)
    assert any((text["reach"] >= len(text["ids"])).any() for text in texts)
    assert any(text["sentences"][0] > 0 for text in texts)
    assert all((text["sentences"].diff() >= 0).all() and (text["reach"] >= 1).all() for text in texts)
    empty = [trial.expected[0].shape for trial in trials(check.skip_gram_pairs, hidden=True, seeds=range(200))]
    assert (0, 2) in empty


def test_a_text_without_a_pair_gives_a_table_of_two_columns():
    one = torch.tensor([0, 1, 2])
    assert check.reference_skip_gram_pairs(one, one, one + 1).shape == (0, 2)


# Draws


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
def test_a_right_draw_is_far_from_unlucky(hidden):
    task, farthest = check.draw_negatives, 0.0
    for trial in trials(task, hidden):
        *counted, shares = task._call(task.reference, trial.arguments)
        *expected, probabilities = trial.expected
        gaps = [abs(mine - right) for mine, right in zip(counted, expected, strict=True)]
        farthest = max(farthest, *gaps, (shares - probabilities).abs().max().item())
    assert farthest < task.tolerance * 0.75  # of many hundred numbers


def test_hidden_draws_have_one_to_three_axes():
    shapes = {trial.arguments["shape"] for trial in trials(check.draw_negatives, hidden=True)}
    assert {len(shape) for shape in shapes} == {1, 2, 3}
    assert {torch.Size(shape).numel() for shape in shapes} == {check.DRAWN}


def stub(**arguments):
    raise NotImplementedError


def one_row(probabilities, shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(probabilities, shape[-1], True, generator=generator).expand(shape)


def rows_without_repeats(probabilities, shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return probabilities.expand(shape[0], -1).multinomial(shape[1], generator=generator)


def draw(probabilities, shape, seed):
    return check.reference_draw_negatives(probabilities, shape, seed)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (stub, "draw_negatives is not written yet"),
        (lambda **given: None, r"the draw should be a tensor, is None \(is there a return"),
        (lambda **given: draw(**given).tolist(), "the draw should be a tensor, is a list"),
        (lambda **given: draw(**given).flatten(), r"should have the shape \(10000, 4\), has \(40000,\)"),
        (lambda **given: draw(**given).float(), "should hold whole numbers, holds torch.float32"),
        (lambda **given: draw(**given) > 0, "should hold torch.int64 numbers, holds torch.bool"),
        (lambda **given: draw(**given) + 1, "has the id 6; there are 6 words, with the ids 0 to 5"),
        (lambda **given: draw(**given) - 1, "has the id -1; there are 6 words"),
        (one_row, "how much oftener than by chance two neighbours are the same is 0"),
        (rows_without_repeats, "how much oftener than by chance two neighbours are the same is -0"),
    ],
)
def test_odd_draws_get_a_clear_sentence(answer, sentence):
    with pytest.raises(CheckFailed, match=sentence):
        check.draw_negatives(answer)


def test_a_draw_that_goes_on_where_the_last_one_ended_is_told_of_its_seed():
    generator = torch.Generator()

    def goes_on(probabilities, shape, seed):
        return torch.multinomial(probabilities, torch.Size(shape).numel(), True, generator=generator).view(shape)

    with pytest.raises(CheckFailed, match="the part that is the same when the seed is is 0") as caught:
        check.draw_negatives(goes_on)
    assert caught.value.mistake == "seed ignored"


# Loss and gradient


def test_the_gradients_are_those_that_autograd_finds():
    for trial in trials(check.skip_gram_gradients, hidden=True):
        given = trial.arguments
        tables = [given[name].double().requires_grad_() for name in ("centres", "contexts")]
        vectors = tables[0][given["pairs"][:, 0]], tables[1][given["pairs"][:, 1]], tables[1][given["negatives"]]
        check.negative_sampling_loss.reference(*vectors).sum().backward()
        for table, right in zip(tables, trial.expected, strict=True):
            assert (table.grad - right).abs().max() < 1e-4


def test_a_hidden_score_is_200_and_words_repeat():
    for trial in trials(check.negative_sampling_loss, hidden=True):
        given = trial.arguments
        assert given["context"][0] @ given["centre"][0] == pytest.approx(-200, abs=1e-3)
        assert given["negative"][0, 0] @ given["centre"][0] == pytest.approx(200, abs=1e-3)
        assert trial.expected[0].isfinite().all()
    batches = [trial.arguments for trial in trials(check.skip_gram_gradients, hidden=True)]
    sizes = {batch["negatives"].shape for batch in batches}
    assert 1 in {pairs for pairs, _ in sizes}
    assert 1 in {negatives for _, negatives in sizes}
    assert any(len(batch["pairs"][:, 0].unique()) < len(batch["pairs"]) for batch in batches)
    for batch in batches:
        scores = (batch["contexts"][batch["pairs"][:, 1]] * batch["centres"][batch["pairs"][:, 0]]).sum(-1)
        assert scores[0] == pytest.approx(-200, abs=1e-3)


# Neighbours and analogies


@pytest.mark.parametrize("task", [check.nearest_words, check.solve_analogies], ids=lambda task: task.name)
@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
def test_cosines_are_equal_or_clearly_apart_and_both_kinds_are_asked(task, hidden):
    kinds = set()
    for trial in trials(task, hidden):
        vectors = trial.arguments["vectors"].double()
        directions = vectors / vectors.norm(dim=-1, keepdim=True)
        if task is check.nearest_words:
            scores = directions[trial.arguments["ids"]] @ directions.T
        else:
            a, b, c = directions[trial.arguments["questions"]].unbind(1)
            scores = (b - a + c) @ directions.T
        gaps = scores.sort(-1).values.diff(dim=-1)
        ties = (gaps == 0).any().item()
        kinds.add(ties)
        assert ((gaps == 0) | (gaps > check.NEAR * 0.9)).all()
        assert not ties or (vectors.norm(dim=-1) == 2).all()  # then every cosine is exact
    assert kinds == {True, False}


def test_all_neighbours_may_be_asked_for_and_a_single_one():
    asked = [trial.arguments for trial in trials(check.nearest_words, hidden=True)]
    assert {1, "all"} <= {"all" if given["k"] == len(given["vectors"]) - 1 else given["k"] for given in asked}
    assert 1 in {len(given["ids"]) for given in asked}
    assert 1 in {len(trial.arguments["questions"]) for trial in trials(check.solve_analogies, hidden=True)}


def sorts_in_place(centres, contexts, pairs, negatives):
    pairs.sort()
    return centres, contexts


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (check.skip_gram_pairs, stub, "skip_gram_pairs is not written yet"),
        (check.skip_gram_pairs, lambda **given: [(1, 2)], "the table of pairs should be a tensor, is a list"),
        (check.skip_gram_pairs, lambda ids, **rest: ids, r"should have the shape \(\d+, 2\), has \(10,\)"),
        (check.noise_probabilities, lambda counts, power: counts, "should hold torch.float32 numbers"),
        (check.negative_sampling_loss, lambda centre, **rest: centre, r"should have the shape \(3,\), has \(3, 5\)"),
        (check.skip_gram_gradients, lambda centres, **rest: centres, r"should return 2 values \(the gradient of the"),
        (check.skip_gram_gradients, lambda centres, contexts: centres, "raised TypeError"),
        (check.nearest_words, lambda vectors, ids, k: ids, r"should have the shape \(3, 4\), has \(3,\)"),
        (check.solve_analogies, lambda vectors, questions: questions[:, 0], "the list of answers is wrong in"),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""


def test_a_hidden_check_does_not_tell_the_answer():
    for hidden in (False, True):
        with pytest.raises(CheckFailed) as caught:
            check.solve_analogies(lambda vectors, questions: questions[:, 0], hidden=hidden)
        assert (", should be" in str(caught.value)) == (not hidden)
