"""Windows and draws; the gradient against autograd; a block against its pairs; the answers against gensim's."""

import math

import pytest
import torch
from gensim.models import KeyedVectors
from torch import nn

from seq2bert.data import words
from seq2bert.word2vec import (
    SkipGram,
    Windows,
    Word2VecConfig,
    WordCounts,
    WordVectors,
    block_gradients,
    block_loss,
    descend,
    draw_negatives,
    draw_reach,
    keep_probabilities,
    negative_probabilities,
    negative_sampling_gradients,
    negative_sampling_loss,
    skip_gram_pairs,
    train_skip_gram,
    window_mask,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_model(vocab_size, width, seed=0):
    g = generator(seed)
    return SkipGram(*(torch.randn(vocab_size, width, generator=g) for _ in range(2)))


# Words, windows and draws


def test_words_are_counted_and_rare_ones_left_out():
    text = [["a", "b", "a", "c"], ["b", "a", "d"], []]
    counted = WordCounts.build(iter(text), min_count=2)
    assert counted.words == ("a", "b")
    assert counted.counts.tolist() == [3, 2]
    assert counted.encode(text) == [[0, 1, 0], [1, 0], []]
    assert WordCounts.build(text, min_count=1).words == ("a", "b", "c", "d")
    with pytest.raises(ValueError, match="min_count = 4"):
        WordCounts.build(text, min_count=4)


def test_frequent_words_are_thinned_out_as_in_gensim():
    from gensim.models import Word2Vec

    text = [["the"] * 40 + ["film"] * 9 + [f"rare{i}" for i in range(51)]] * 3
    counted = WordCounts.build(text, min_count=1)
    theirs = Word2Vec(min_count=1, sample=0.02)
    theirs.build_vocab(text)
    expected = [theirs.wv.get_vecattr(word, "sample_int") / 2**32 for word in counted.words]
    torch.testing.assert_close(
        keep_probabilities(counted.counts, 0.02).double(), torch.tensor(expected).double(), rtol=1e-6, atol=1e-6
    )


def test_a_distance_is_taken_as_often_as_the_draw_allows():
    window, draws = 5, 20_000
    reach = draw_reach(draws, window, generator())
    assert reach.unique().tolist() == [1, 2, 3, 4, 5]
    for distance in range(1, window + 1):
        share = (reach >= distance).double().mean()
        expected = (window - distance + 1) / window
        assert abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / draws) + 1e-9


def test_a_window_is_symmetric_about_its_centre_and_leaves_it_out():
    reach = draw_reach(30, 4, generator(1))
    mask = window_mask(reach)
    for i, size in enumerate(reach.tolist()):
        assert mask[i].nonzero().flatten().tolist() == [j for j in range(30) if 0 < abs(i - j) <= size]
    assert not mask.diagonal().any()


def test_pairs_are_those_of_the_mask():
    ids = torch.tensor([4, 4, 7, 9])
    pairs = skip_gram_pairs(ids, torch.tensor([1, 3, 2, 1])).tolist()
    assert pairs == [[4, 4], [4, 4], [4, 7], [4, 9], [7, 4], [7, 4], [7, 9], [9, 7]]
    with pytest.raises(ValueError, match="one shape"):
        skip_gram_pairs(ids, torch.tensor([1, 2]))


def test_negatives_are_drawn_as_their_probabilities_say():
    counts = torch.tensor([1000, 300, 100, 30, 10, 3, 1])
    p = negative_probabilities(counts)
    torch.testing.assert_close(p, counts**0.75 / (counts**0.75).sum())
    drawn = draw_negatives(p, (400, 250), generator(3))
    assert drawn.shape == (400, 250)
    share = torch.bincount(drawn.flatten(), minlength=7) / drawn.numel()
    assert ((share - p).abs() < 5 * (p * (1 - p) / drawn.numel()).sqrt()).all()
    assert torch.equal(drawn, draw_negatives(p, (400, 250), generator(3)))
    torch.testing.assert_close(negative_probabilities(counts, power=0), torch.full((7,), 1 / 7))


# The loss, pair by pair and in blocks


@pytest.mark.parametrize(("pairs", "negatives", "width"), [(1, 1, 1), (5, 3, 8), (40, 10, 100)])
def test_the_closed_form_is_the_gradient(pairs, negatives, width):
    g = generator(pairs)
    shapes = [(pairs, width), (pairs, width), (pairs, negatives, width)]
    vectors = [torch.randn(shape, generator=g, requires_grad=True) for shape in shapes]
    negative_sampling_loss(*vectors).sum().backward()
    for ours, vector in zip(negative_sampling_gradients(*vectors), vectors, strict=True):
        torch.testing.assert_close(ours, vector.grad)


of_sentence = torch.tensor([0] * 3 + [1] * 20 + [3] * 1 + [4] * 26)


@pytest.mark.parametrize(
    ("window", "rows", "row", "shared"), [(1, 1, 4, 1), (3, 3, 4, 7), (5, 4, 5, 30), (2, 6, 1, 5), (4, 1, 64, 9)]
)
def test_a_block_is_the_sum_of_its_pairs(window, rows, row, shared):
    config = Word2VecConfig.preset("tiny", window=window, rows=rows, row=row, shared=shared, negatives=4)
    vocab, p = 9, torch.full((9,), 1 / 9)
    ids = torch.randint(vocab, (len(of_sentence),), generator=generator(1))
    reach = draw_reach(len(ids), window, generator(2))
    windows = Windows.draw(ids, of_sentence, window, generator(2))
    blocks = list(windows.blocks(p, config, generator(3)))
    assert sum(block.centres.numel() for block in blocks) == -(-len(ids) // config.block) * config.block

    # The readable way: sentence by sentence, and for each pair the negatives of the row in which its centre stands.
    places = torch.arange(len(ids))
    pairs = torch.cat(
        [skip_gram_pairs(places[of_sentence == s], reach[of_sentence == s]) for s in of_sentence.unique()]
    )
    negatives = torch.cat([block.others[:, -shared:] for block in blocks])[pairs[:, 0] // row]  # (P, N)
    model = random_model(vocab, 6)
    v, u = (table.clone().requires_grad_() for table in (model.centres, model.contexts))
    centre, context, negative = v[ids[pairs[:, 0]]], u[ids[pairs[:, 1]]], u[negatives]
    logsigmoid = nn.functional.logsigmoid
    seen = -logsigmoid((centre * context).sum(-1)).sum()
    drawn = -logsigmoid(-(negative @ centre[..., None])).sum()
    expected = seen + config.negatives / shared * drawn
    torch.testing.assert_close(sum(block_loss(model, block) for block in blocks), expected)

    expected.backward()
    moved = SkipGram(model.centres.clone(), model.contexts.clone())
    for block in blocks:
        descend(moved, block, block_gradients(model, block), learning_rate=0.5)
    torch.testing.assert_close(moved.centres, model.centres - 0.5 * v.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(moved.contexts, model.contexts - 0.5 * u.grad, rtol=1e-4, atol=1e-5)


def test_with_as_many_negatives_a_block_is_the_loss_of_the_paper():
    config = Word2VecConfig.preset("tiny", window=2, rows=1, row=6, shared=3, negatives=3)
    ids, model = torch.tensor([0, 1, 2, 3, 4, 5]), random_model(6, 4)
    [block] = Windows.draw(ids, torch.zeros(6, dtype=torch.long), 2, generator()).blocks(
        torch.ones(6), config, generator(1)
    )
    pairs = skip_gram_pairs(ids, draw_reach(6, 2, generator()))
    losses = negative_sampling_loss(
        model.centres[pairs[:, 0]],
        model.contexts[pairs[:, 1]],
        model.contexts[block.others[0, -3:].expand(len(pairs), 3)],
    )
    torch.testing.assert_close(block_loss(model, block), losses.sum())


def test_no_window_leaves_its_sentence():
    windows = Windows.draw(torch.arange(50), of_sentence, 5, generator())
    for place in range(50):
        taken = windows.ids[place - windows.left[place] : place + windows.right[place] + 1]
        assert set(of_sentence[taken].tolist()) == {of_sentence[place].item()}
    alone = int((of_sentence == 3).nonzero())
    assert (windows.left[alone], windows.right[alone]) == (0, 0)


def test_one_small_step_makes_the_loss_of_its_block_smaller():
    config = Word2VecConfig.preset("tiny", rows=2, row=10)
    ids = torch.randint(12, (20,), generator=generator(5))
    [block] = Windows.draw(ids, torch.zeros_like(ids), 5, generator()).blocks(torch.ones(12), config, generator(6))
    model = random_model(12, 8)
    before = block_loss(model, block)
    descend(model, block, block_gradients(model, block), 1e-3)
    assert block_loss(model, block) < before


# Learning


@pytest.fixture(scope="module")
def trained():
    """Ten seconds' worth of real text: the counts, what was trained on, and the tables."""
    text = words.lines("train")[:3_000]
    counted = WordCounts.build(text, min_count=5)
    config = Word2VecConfig.preset("small", epochs=3)
    return counted, config, train_skip_gram(counted.encode(text), counted.counts, config, generator(), progress=False)


def test_held_out_loss_falls_far_below_that_of_untrained_tables(trained):
    counted, config, model = trained
    text = [line for line in counted.encode(words.lines("validation")[:200]) if line]
    pairs = torch.cat([skip_gram_pairs(torch.tensor(s), draw_reach(len(s), 5, generator(7))) for s in text])
    negatives = draw_negatives(negative_probabilities(counted.counts), (len(pairs), config.negatives), generator(8))
    untrained = SkipGram.initial(len(counted), config.width, generator())
    assert untrained.loss(pairs, negatives) == pytest.approx(6 * math.log(2))
    assert model.loss(pairs, negatives) < 0.75 * 6 * math.log(2)


def test_neighbours_of_a_word_belong_to_its_kind(trained):
    counted, _, model = trained
    vectors = WordVectors(counted.words, model.centres)
    alike, other = vectors.similarity([("he", "she"), ("he", "film")])
    assert alike > other + 0.2


def test_progress_goes_to_standard_output_alone(capsys):
    train_skip_gram([[0, 1, 2] * 200], torch.tensor([2, 2, 2]), Word2VecConfig.preset("tiny", epochs=2), generator())
    said = capsys.readouterr()
    assert said.err == ""
    assert "epoch 2 of 2: 100%" in said.out


def test_the_same_seed_gives_the_same_vectors_and_another_others():
    text = [[0, 1, 2, 3, 4, 5, 1, 2], [2, 2, 1]] * 20
    counts = torch.bincount(torch.tensor([i for s in text for i in s]))
    config = Word2VecConfig.preset("tiny")
    first, second, third = (train_skip_gram(text, counts, config, generator(s), progress=False) for s in (0, 0, 1))
    assert torch.equal(first.centres, second.centres)
    assert torch.equal(first.contexts, second.contexts)
    assert not torch.equal(first.centres, third.centres)


def test_a_rate_that_is_far_too_high_is_said():
    text = [[0, 1] * 200] * 5
    config = Word2VecConfig.preset("tiny", learning_rate=1e20, subsample=1.0)
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        train_skip_gram(text, torch.tensor([1000, 1000]), config, generator(), progress=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [(dict(width=0), "width must be at least 1, got 0"), (dict(subsample=0.0), "subsample must be above 0, got 0.0")],
)
def test_bad_settings_are_named(changes, said):
    with pytest.raises(ValueError, match=said):
        Word2VecConfig(**changes)
    with pytest.raises(ValueError, match="preset must be one of"):
        Word2VecConfig.preset("huge")


def test_text_that_has_no_words_or_loses_them_all():
    config = Word2VecConfig.preset("tiny", epochs=5)
    model = train_skip_gram([[0]], torch.tensor([1]), config, generator(), progress=False)  # thinned out to nothing
    assert torch.equal(model.contexts, torch.zeros(1, 16))
    with pytest.raises(ValueError, match="at least one word"):
        train_skip_gram([[], []], torch.tensor([1]), config, generator(), progress=False)


def test_arguments_out_of_range_are_named():
    with pytest.raises(ValueError, match="window must be at least 1, got 0"):
        draw_reach(3, 0, generator())
    with pytest.raises(ValueError, match="subsample must be above 0, got -1"):
        keep_probabilities(torch.tensor([3, 4]), -1.0)


# What the vectors know


@pytest.fixture(scope="module")
def both():
    """The same words and vectors, ours and gensim's."""
    names = [f"word{i}" for i in range(300)]
    vectors = torch.randn(300, 12, generator=generator(9))
    theirs = KeyedVectors(12)
    theirs.add_vectors(names, vectors.numpy())
    return WordVectors(names, vectors), theirs


def test_similarities_and_neighbours_equal_gensims(both):
    ours, theirs = both
    pairs = [(f"word{i}", f"word{2 * i + 1}") for i in range(100)]
    expected = torch.tensor([float(theirs.similarity(*pair)) for pair in pairs])
    torch.testing.assert_close(ours.similarity(pairs), expected, rtol=1e-5, atol=1e-5)
    for word in ("word0", "word17"):
        mine, others = ours.nearest(word, 7), theirs.most_similar(word, topn=7)
        assert [name for name, _ in mine] == [name for name, _ in others]
        torch.testing.assert_close(torch.tensor([s for _, s in mine]), torch.tensor([s for _, s in others]))


@pytest.mark.parametrize("chunk", [1, 7, 1024])
def test_analogies_equal_gensims(both, chunk):
    ours, theirs = both
    drawn = torch.stack([torch.randperm(300, generator=generator(i))[:3] for i in range(40)])
    questions = [tuple(f"word{i}" for i in row) for row in drawn.tolist()]
    expected = [theirs.most_similar(positive=[b, c], negative=[a], topn=1)[0][0] for a, b, c in questions]
    assert ours.analogy(questions, chunk) == expected
    assert all(answer not in question for answer, question in zip(ours.analogy(questions), questions, strict=True))


def test_a_parallelogram_is_found():
    corners = torch.tensor([[1.0, 0.0, 0.2], [1.0, 0.5, 0.2], [0.0, 0.0, 1.0], [0.0, 0.5, 1.0], [-1.0, 0.0, 0.0]])
    vectors = WordVectors(["man", "woman", "king", "queen", "film"], corners)
    assert vectors.analogy([("man", "woman", "king")]) == ["queen"]
    assert torch.equal(vectors["film"], corners[4])
    assert "film" in vectors
    assert "opera" not in vectors
    assert len(vectors) == 5


def test_an_unknown_word_and_a_missing_vector_are_named(both):
    with pytest.raises(ValueError, match="no vector: 'zzz'"):
        both[0].nearest("zzz")
    with pytest.raises(ValueError, match="2 words and 1 vectors"):
        WordVectors(["a", "b"], torch.ones(1, 3))
    with pytest.raises(ValueError, match="between 1 and 299, the number of other words, got 300"):
        both[0].nearest("word1", 300)
    assert both[0].similarity([]).tolist() == both[0].analogy([]) == []
    with pytest.raises(ValueError, match="stand twice"):
        WordVectors(["a", "a"], torch.ones(2, 3))
