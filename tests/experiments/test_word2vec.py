"""What the experiment asks of vectors, and the counter that it compares them with."""

import math

import pytest
import torch

from seq2bert.experiments import word2vec as experiment
from seq2bert.word2vec import Word2VecConfig, WordVectors

TINY = Word2VecConfig.preset("tiny", width=2, window=1)


def test_words_that_stand_beside_the_same_words_have_the_same_counted_vector():
    text = [[0, 1, 2], [3, 1, 2], [4, 5, 4, 5]] * 10  # 0 and 3 only ever stand before 1
    vectors = experiment.count_vectors(text, 6, TINY, seed=0)
    assert vectors.shape == (6, 2)
    alike = torch.nn.functional.cosine_similarity(vectors[0], vectors[3], dim=0)
    assert alike == pytest.approx(1, abs=1e-4)


def test_the_counter_keeps_the_information_of_each_pair():
    text = [[0, 1], [0, 1], [0, 2], [2, 2]]
    vectors = experiment.count_vectors(text, 4, TINY, seed=0)  # word 3 is nowhere
    assert torch.allclose(vectors[3], torch.zeros(2), atol=1e-5)
    seen = torch.tensor([[0, 2, 1], [2, 0, 0], [1, 0, 2]])  # neighbours, on both sides
    context = seen.sum(1) ** 0.75 / (seen.sum(1) ** 0.75).sum()
    information = (seen / seen.sum(1, keepdim=True) / context).log().clamp(min=0)
    left, values, _ = torch.linalg.svd(information)
    expected = left[:, :2] * values[:2].sqrt()
    torch.testing.assert_close(vectors[:3] @ vectors[:3].T, expected @ expected.T, rtol=1e-4, atol=1e-4)


def test_no_pair_of_the_counter_crosses_a_line():
    lines = [[0, 1], [2, 3, 2], [1, 2]] * 3
    there, back = (experiment.count_vectors(text, 4, TINY, seed=0) for text in (lines, lines[::-1]))
    torch.testing.assert_close(there, back)


def test_only_questions_whose_words_are_known_are_asked():
    corners = torch.tensor([[1.0, 0.0, 0.2], [1.0, 0.5, 0.2], [0.0, 0.0, 1.0], [0.0, 0.5, 1.0]])
    vectors = WordVectors(["man", "woman", "king", "queen"], corners)
    known = ("man", "woman", "king", "queen")
    outcome = experiment.answer(
        vectors, {"family": [known, ("man", "woman", "boy", "girl")], "currency": [("france", "franc", "japan", "yen")]}
    )
    assert outcome == {"family": (1, 1), "currency": (0, 0)}
    assert experiment.share(outcome, ["family", "currency"]) == 1
    assert experiment.share(outcome, ["currency"]) == 0
    rated = [("man", "woman", 7.0), ("man", "king", 2.0), ("king", "queen", 8.0), ("king", "emperor", 9.0)]
    correlation, asked = experiment.rank_correlation(vectors, rated)
    assert asked == 3
    assert correlation == pytest.approx(0.5)


def test_held_out_pairs_are_the_same_for_everyone():
    counts = torch.tensor([30, 20, 10])
    text = [[0, 1, 2, 1], [], [2], [1, 0]] * 20
    config = Word2VecConfig.preset("tiny", window=2, negatives=4, subsample=1.0)
    pairs, negatives = experiment.held_out(text, counts, config)
    assert pairs.shape == (len(negatives), 2)
    assert negatives.shape == (len(pairs), 4)
    assert math.isclose(len(pairs) / 20, 10, abs_tol=1.5)  # 6 to 10 of the first line, 2 of the last
    again = experiment.held_out(text, counts, config)
    assert torch.equal(pairs, again[0])
    assert torch.equal(negatives, again[1])


def test_gensims_rows_come_in_our_order():
    text = [["a", "b", "c", "b", "c", "c"]] * 20
    theirs = experiment.train_gensim(text, TINY, seed=0)
    model = experiment.tables_of(theirs, ["a", "b", "c"])
    for row, word in enumerate("abc"):
        assert model.centres[row].tolist() == theirs.wv[word].tolist()
    assert model.contexts.shape == (3, 2)
