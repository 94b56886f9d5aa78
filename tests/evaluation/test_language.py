"""The measuring sticks of the language models, held against models whose scores are known."""

import math

import pytest
import torch

from seq2bert.data.blimp import MinimalPair
from seq2bert.evaluation import language


class Table:
    """A model that gives token i the log-probability -i / 10, wherever it stands; notes what it was asked."""

    def __init__(self):
        self.asked = []

    def log_probs(self, ids):
        self.asked.append(ids)
        return -ids.double() / 10


ROWS = [[3, 4], [5], [6, 7, 8, 9], [1, 1, 1]]


def test_rows_are_scored_in_their_own_order_whatever_the_batches():
    expected = [-sum(row) / 10 for row in ROWS]
    for cells in (1, 4, 100):
        found = torch.zeros(len(ROWS), dtype=torch.double)
        for numbers, ids, mask in language.batches(ROWS, cells):
            assert ids.numel() <= cells or len(numbers) == 1
            found[numbers] = (-ids.double() / 10).masked_fill(~mask, 0).sum(-1)
        assert found.tolist() == pytest.approx(expected)
    assert language.log_likelihoods(Table(), ROWS).tolist() == pytest.approx(expected)


def test_padding_counts_for_nothing():
    class Harsh(Table):
        def log_probs(self, ids):
            return torch.where(ids == 0, -math.inf, super().log_probs(ids))

    assert language.log_likelihoods(Harsh(), ROWS).isfinite().all()


def test_what_is_given_is_read_and_not_scored():
    model = Table()
    assert language.log_likelihoods(model, ROWS, given=1).tolist() == pytest.approx([-0.4, 0, -2.4, -0.2])
    assert {row[0] for ids in model.asked for row in ids.tolist()} == {3, 5, 6, 1}


def test_windows_hold_everything_once_in_order():
    documents = [[*range(5, 12)], [4], [*range(20, 24)]]
    rows = language.windows(documents, 4, 2)
    assert [token for row in rows for token in row] == [*range(5, 12), 2, 4, 2, *range(20, 24), 2]
    assert max(map(len, rows)) == 4
    assert not any(2 in row[:-1] for row in rows)


def test_perplexity_per_token_and_per_word():
    class Even(Table):
        def log_probs(self, ids):
            return torch.full(ids.shape, -math.log(8))

    found = language.perplexities(Even(), ROWS, words=5)
    assert found == {"perplexity": pytest.approx(8), "word_perplexity": pytest.approx(8**2)}  # ten tokens, five words


def test_a_tie_is_wrong():
    pairs = [MinimalPair("", "", paradigm, "group") for paradigm in ("a", "a", "b", "b")]
    good, bad = [[9, 1], [9, 2], [9, 3], [9, 1]], [[9, 2], [9, 1], [9, 3], [9, 4]]
    assert language.minimal_pairs(Table(), pairs, good, bad) == {"a": 0.5, "b": 0.5}
