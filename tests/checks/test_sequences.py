"""What the checks of assignment 01 draw, and what they say of odd answers."""

import random

import pytest
import torch

from seq2bert.checks import sequences as check
from seq2bert.checks.task import CheckFailed, Task
from seq2bert.sequences import SPECIALS, NGramModel

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]
SEEDS = [*range(200), *(random.Random(3).getrandbits(63) for _ in range(50)), 2**63 - 1]
HIDDEN_ONLY = {"mask read from the ids", "always padded with 0", "the first cells taken", "specials twice"}
HIDDEN_ONLY |= {"masked by multiplication", "probabilities multiplied"}
HIDDEN_ONLY |= {"0 divided by 0", "nothing follows what was never seen"}


def arguments(task, hidden):
    return (trial.arguments for seed in SEEDS for trial in task.trials(seed, hidden))


def test_the_visible_check_shows_all_mistakes_but_those_that_need_other_inputs():
    assert {m.name for task in TASKS for m in task.mistakes if not m.visible} == HIDDEN_ONLY


def test_a_hidden_sequence_really_has_the_padding_id():
    for given in arguments(check.pad, hidden=True):
        assert given["pad_id"] in {i for sequence in given["sequences"] for i in sequence}
    for given in arguments(check.pad, hidden=False):
        assert given["pad_id"] == 0 < min(i for sequence in given["sequences"] for i in sequence)


def test_each_row_has_something_real_and_hidden_padding_need_not_be_finite():
    finite = []
    for hidden in (False, True):
        for given in arguments(check.masked_mean, hidden):
            assert given["mask"].any(1).all()
            assert given["values"][given["mask"]].isfinite().all()
            finite.append(bool(given["values"].isfinite().all()) or not hidden)
    assert 0.1 < sum(finite[len(finite) // 2 :]) / (len(finite) / 2) < 0.9
    assert all(finite[: len(finite) // 2])


def test_hidden_texts_hold_specials_and_an_empty_sequence_visible_ones_do_not():
    for hidden in (False, True):
        for given in arguments(check.build_vocabulary, hidden):
            assert any(token in SPECIALS for sequence in given["sequences"] for token in sequence) == hidden
            assert ([] in given["sequences"]) == hidden
            assert given["min_count"] >= 1


def test_every_full_sequence_to_encode_has_an_unknown_token():
    empty = 0
    for hidden in (False, True):
        for given in arguments(check.encode, hidden):
            assert not given["sequence"] or set(given["sequence"]) - set(given["tokens"])
            empty += not given["sequence"]
    assert empty


@pytest.mark.parametrize("hidden", [False, True])
def test_counts_and_smoothing_are_those_of_the_chapters_models(hidden):
    for given in arguments(check.count_bigrams, hidden):
        sequences, vocab_size = given["sequences"], given["vocab_size"]
        counts = check.count_bigrams.reference(sequences, vocab_size)
        assert counts.sum() == sum(len(sequence) + 1 for sequence in sequences)
        k = random.Random(vocab_size).choice((0, 0.1, 1))
        bigrams = NGramModel(2, vocab_size, k).fit([*sequence, 2] for sequence in sequences)
        expected = torch.stack([bigrams.next_log_probs([context]) for context in range(3, vocab_size)])
        torch.testing.assert_close(check.smooth.reference(counts, k)[3:], expected)
        unigrams = NGramModel(1, vocab_size, k).fit([*sequence, 2] for sequence in sequences)
        together = check.smooth.reference(counts.sum(0, keepdim=True), k)
        torch.testing.assert_close(together[0], unigrams.next_log_probs([]))


def test_rows_of_probabilities_sum_to_one():
    for hidden in (False, True):
        for given in arguments(check.smooth, hidden):
            assert not given["counts"][:, :2].any()
            sums = check.smooth.reference(**given).exp().sum(1)
            torch.testing.assert_close(sums, torch.ones_like(sums))


def test_a_product_of_the_hidden_probabilities_is_zero():
    for given in arguments(check.perplexity, hidden=True):
        assert given["log_probs"][given["mask"]].double().exp().prod() == 0
    for given in arguments(check.perplexity, hidden=False):
        assert given["log_probs"][given["mask"]].exp().prod() > 0


def test_a_hidden_check_does_not_tell_the_answer():
    wrong = [
        (check.build_vocabulary, lambda **given: [*check.build_vocabulary.reference(**given)[:-1], "zebra"]),
        (check.pad, lambda **given: (check.pad.reference(**given)[0] + 1, check.pad.reference(**given)[1])),
        (check.perplexity, lambda **given: 5.0),
    ]
    for task, function in wrong:
        with pytest.raises(CheckFailed) as visible:
            task(function)
        with pytest.raises(CheckFailed) as hidden:
            task(function, hidden=True)
        assert "should be" in str(visible.value)
        assert "should be" not in str(hidden.value)


def harm(sequences, pad_id=0):
    for sequence in sequences:
        sequence.append(pad_id)
    return check.pad.reference(sequences, pad_id)


def known_alone(sequence, tokens):
    return [tokens.index(token) for token in sequence]


def strings(sequence, tokens):
    return [str(i) for i in check.encode.reference(sequence, tokens)]


@pytest.mark.parametrize(
    ("task", "answer", "sentence"),
    [
        (
            check.pad,
            lambda **given: check.pad.reference(**given)[0],
            r"should return 2 values \(ids, mask\), returned 1",
        ),
        (check.pad, harm, "changed its argument sequences in place"),
        (
            check.pad,
            lambda **given: (check.pad.reference(**given)[0], check.pad.reference(**given)[1].long()),
            "mask should hold torch.bool numbers, holds torch.int64",
        ),
        (
            check.pad,
            lambda **given: (check.pad.reference(**given)[0], torch.ones_like(check.pad.reference(**given)[1])),
            r"mask is wrong in \d+ of \d+ places, first at \[\d, \d\]: True, should be False",
        ),
        (check.pad, lambda **given: (given["sequences"], None), "ids should be a tensor, is a list"),
        (check.masked_mean, lambda values, mask: values[mask].tolist(), "the mean should be a tensor, is a list"),
        (check.build_vocabulary, lambda **given: set(SPECIALS), "the vocabulary should be a list, is a set"),
        (check.build_vocabulary, lambda **given: [*"abcdefghij"], "the vocabulary (should have|at)"),
        (
            check.build_vocabulary,
            lambda **given: [*check.build_vocabulary.reference(**given)[:-1], "zebra"],
            r"the vocabulary at \[\d\] is 'zebra', should be '",
        ),
        (
            check.build_vocabulary,
            lambda **given: [None, *check.build_vocabulary.reference(**given)[1:]],
            r"the vocabulary at \[0\] is None, should be '<pad>'",
        ),
        (
            check.encode,
            known_alone,
            r"encode raised ValueError: .* is not in list\n\(with sequence, 8 items, tokens, 9",
        ),
        (check.encode, strings, r"the encoding at \[0\] should be a single number, is a str"),
        (
            check.encode,
            lambda **given: torch.tensor([3]),
            r"the encoding should be a list, is a tensor of shape \(1,\)",
        ),
        (check.count_bigrams, lambda **given: torch.zeros(7, 6), r"should have the shape \(7, 7\), has \(7, 6\)"),
        (check.smooth, lambda counts, k: counts, "should hold torch.float64 numbers, holds torch.int64"),
        (
            check.smooth,
            lambda counts, k: counts * 0.0,
            r"is wrong in 35 of 35 places, first at \[0, 0\]: 0, should be -inf",
        ),
        (check.perplexity, lambda log_probs, mask: -log_probs, "should be a single number, is a tensor of shape"),
        (check.perplexity, lambda log_probs, mask: None, r"should be a single number, is None \(is there a return"),
    ],
)
def test_odd_answers_get_a_clear_sentence(task, answer, sentence):
    with pytest.raises(CheckFailed, match=sentence) as caught:
        task(answer)
    assert caught.value.mistake == ""


def test_a_right_answer_may_come_as_another_kind_of_row_or_number():
    check.build_vocabulary(lambda **given: tuple(check.build_vocabulary.reference(**given)), hidden=True)
    check.encode(lambda **given: [torch.tensor(i) for i in check.encode.reference(**given)], hidden=True)
    check.count_bigrams(lambda **given: check.count_bigrams.reference(**given).float(), hidden=True)
    check.smooth(lambda **given: check.smooth.reference(**given).float(), hidden=True)
    check.perplexity(lambda **given: torch.tensor(check.perplexity.reference(**given)), hidden=True)
