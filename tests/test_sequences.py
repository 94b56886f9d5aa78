"""Vocabulary, padding, masks, batches, and models that count: what must hold for any sequences."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2bert.data import corpus, wordpieces
from seq2bert.evaluation.language import perplexities, windows
from seq2bert.sequences import (
    BOS_ID,
    EOS_ID,
    PAD_ID,
    SPECIALS,
    UNK_ID,
    KneserNeyModel,
    NGramModel,
    Vocabulary,
    batch_indices,
    discount,
    pad,
    padding_mask,
    perplexity,
)

SEQUENCES = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=12)


@given(st.lists(st.text("abcdef", min_size=1), min_size=1))
def test_decode_undoes_encode(words):
    vocabulary = Vocabulary.build(words)
    for word in words:
        assert "".join(vocabulary.decode(vocabulary.encode(word, add_bos=True, add_eos=True))) == word


def test_vocabulary_keeps_specials_first_and_does_not_depend_on_order():
    assert Vocabulary.build(["cab", "b"]) == Vocabulary.build(["b", "bac"])
    assert Vocabulary.build(["cab"]).tokens == (*SPECIALS, "a", "b", "c")


def test_rare_and_unseen_tokens_become_unk():
    vocabulary = Vocabulary.build(["aab"], min_count=2)
    assert vocabulary.encode("abz") == [4, UNK_ID, UNK_ID]


def test_special_tokens_in_the_text_stand_once():
    assert len(Vocabulary.build([["<eos>", "x"]])) == 5


@pytest.mark.parametrize("tokens", [("a", "b", "c", "d"), (*SPECIALS, "a", "a")])
def test_a_broken_vocabulary_is_refused(tokens):
    with pytest.raises(ValueError, match="tokens"):
        Vocabulary(tokens)


@given(SEQUENCES)
def test_the_mask_finds_exactly_what_was_padded(sequences):
    ids, lengths = pad(sequences)
    mask = padding_mask(lengths)
    assert ids.shape == mask.shape
    assert [row[keep].tolist() for row, keep in zip(ids, mask, strict=True)] == sequences
    assert (ids[~mask] == 0).all()


def test_mask_of_a_given_size():
    assert padding_mask(torch.tensor([1, 2]), 3).tolist() == [[True, False, False], [True, True, False]]


@pytest.mark.parametrize("sequences", [[], [[1], []]])
def test_pad_refuses_what_has_no_rectangle(sequences):
    with pytest.raises(ValueError, match=r"empty|no sequences"):
        pad(sequences)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=400), st.integers(1, 20), st.integers(0, 5))
def test_batches_hold_every_row_once_and_follow_the_seed(lengths, size, seed):
    def draw(s):
        return list(batch_indices(lengths, size, torch.Generator().manual_seed(s)))

    batches = draw(seed)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size
    assert batches == draw(seed)


def test_batches_waste_little_and_differ_between_epochs():
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 30, (5000,), generator=g).tolist()
    batches = list(batch_indices(lengths, 50, g))
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert sum(lengths) / padded > 0.95
    assert batches != list(batch_indices(lengths, 50, g))


def test_batch_size_must_be_positive():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        list(batch_indices([1], 0, torch.Generator()))


# Models that count ----------------------------------------------------------------------------------------------------

VOCAB = 9
TEXTS = st.lists(st.lists(st.integers(4, VOCAB - 1), max_size=9), min_size=1, max_size=30)
CONTEXTS = st.lists(st.integers(3, VOCAB - 1), max_size=6)


def ended(texts):
    return [[*text, EOS_ID] for text in texts]


def begun(tokens, order):
    """Tokens after as many `<bos>` as a model of that order puts there."""
    return [BOS_ID] * max(1, order - 1) + tokens


def grams(texts, length, order):
    """Counts of the n-grams of a length that end in something written, as a model of an order sees them."""
    found = Counter()
    for text in texts:
        row = begun([*text, EOS_ID], order)
        found.update(tuple(row[i - length + 1 : i + 1]) for i in range(len(row) - len(text) - 1, len(row)))
    return found


def kneser_ney(texts, order, context, token):
    """The definition, word for word."""
    p = 1 / (VOCAB - 2)
    for n in range(1, order + 1):
        counts = grams(texts, n, order)
        if n < order:
            plain, counts = counts, Counter()
            for gram in grams(texts, n + 1, order):
                counts[gram[1:]] += 1
            counts |= {gram: count for gram, count in plain.items() if gram[0] == BOS_ID}
        d = discount(torch.tensor(list(counts.values())))
        row = begun(context, order)
        history = tuple(row[len(row) - n + 1 :])
        after = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == history}
        if total := sum(after.values()):
            p = (max(after.get(token, 0) - d, 0) + d * len(after) * p) / total
    return p


@pytest.mark.parametrize("make", [lambda n: NGramModel(n, VOCAB, k=0.3), lambda n: KneserNeyModel(n, VOCAB)])
@given(texts=TEXTS, context=CONTEXTS, order=st.integers(1, 5))
def test_probabilities_of_what_may_follow_add_up_to_one(make, texts, context, order):
    following = make(order).fit(ended(texts)).next_log_probs(context).exp()
    assert following.sum().item() == pytest.approx(1)
    assert following[PAD_ID] == following[BOS_ID] == 0
    assert (following[EOS_ID:] >= 0).all()


@given(TEXTS, CONTEXTS, st.integers(1, 4))
def test_kneser_ney_is_its_definition(texts, context, order):
    ours = KneserNeyModel(order, VOCAB).fit(ended(texts)).next_log_probs(context).exp()
    for token in range(EOS_ID, VOCAB):
        assert ours[token].item() == pytest.approx(kneser_ney(texts, order, context, token))


@given(TEXTS, CONTEXTS, st.integers(1, 4), st.sampled_from([0.0, 0.1, 1.0]))
def test_add_k_is_its_definition(texts, context, order, k):
    ours = NGramModel(order, VOCAB, k).fit(ended(texts)).next_log_probs(context).exp()
    counts, row = grams(texts, order, order), begun(context, order)
    history = tuple(row[len(row) - order + 1 :])
    total = sum(count for gram, count in counts.items() if gram[:-1] == history)
    for token in range(EOS_ID, VOCAB):
        likely, all_of_it = counts[(*history, token)] + k, total + k * (VOCAB - 2)
        assert ours[token].item() == pytest.approx(likely / all_of_it if all_of_it else 1 / (VOCAB - 2))


def test_an_end_that_nobody_wrote_is_not_counted():
    assert NGramModel(2, VOCAB, k=0).fit([[4, 5], [4, 5, 4]]).next_log_probs([5]).exp()[EOS_ID] == 0


def test_no_ngram_crosses_from_one_sequence_into_the_next():
    model = NGramModel(2, VOCAB, k=0).fit(ended([[4, 5], [6, 7]]))
    assert model.next_log_probs([5]).exp()[EOS_ID] == 1
    assert model.next_log_probs([]).exp()[[4, 6]].tolist() == [0.5, 0.5]


def test_kneser_ney_asks_after_how_many_different_tokens_a_token_came():
    """4 is as frequent as 6, but always comes after 5. What comes after 8, where nothing like it was seen?"""
    texts = [[5, 4]] * 6 + [[5, 6], [5, 6], [7, 6], [7, 6], [3, 6], [3, 6], [8, 7]]
    by_neighbours = KneserNeyModel(2, VOCAB).fit(ended(texts)).next_log_probs([8])
    by_counts = NGramModel(1, VOCAB, k=0).fit(ended(texts)).next_log_probs([8])
    assert by_counts[4] == by_counts[6]
    assert by_neighbours[6] > by_neighbours[4] + math.log(2)


@given(TEXTS, st.integers(1, 4))
def test_a_batch_scores_as_its_rows_do(texts, order):
    model = KneserNeyModel(order, VOCAB).fit(texts)
    rows = [text for text in texts if text] or [[4]]
    ids, lengths = pad(rows)
    scores = model.log_probs(ids)
    for row, text, length in zip(scores, rows, lengths, strict=True):
        assert row[:length].tolist() == pytest.approx(model.log_probs(torch.tensor([text]))[0].tolist())


def test_longer_contexts_help_on_what_was_seen():
    texts = [[4, 5, 6, 7, 8, 5, 6, 4]] * 5
    ids = torch.tensor([texts[0]])
    hesitation = [perplexity(KneserNeyModel(order, VOCAB).fit(texts).log_probs(ids)) for order in (1, 2, 3)]
    assert hesitation == sorted(hesitation, reverse=True)


def test_perplexity_counts_what_the_mask_says():
    log_probs = torch.tensor([[0.5, 0.25], [0.125, 1e-9]]).log()
    assert perplexity(log_probs, padding_mask(torch.tensor([2, 1]))) == pytest.approx(4)
    assert perplexity(torch.zeros(3)) == 1


@pytest.mark.parametrize(("order", "vocab", "k"), [(0, 9, 1.0), (2, 2, 1.0), (2, 9, -0.1)])
def test_sizes_that_make_no_sense_are_refused(order, vocab, k):
    with pytest.raises(ValueError, match="order must be >= 1"):
        NGramModel(order, vocab, k)


def test_on_real_text_context_pays_and_kneser_ney_beats_add_k():
    train, held_out = (
        windows(wordpieces.encode(corpus.documents(part)[:number]), 128, EOS_ID)
        for part, number in (("train", 2000), ("validation", 100))
    )

    def hesitation(model):
        return perplexities(model.fit(train), held_out, words=sum(map(len, held_out)))["perplexity"]

    by_order = [hesitation(KneserNeyModel(order, wordpieces.SIZE)) for order in (1, 2, 3)]
    assert by_order[0] > 2 * by_order[1] > 2 * by_order[2]
    assert hesitation(NGramModel(3, wordpieces.SIZE, k=0.01)) > 2 * by_order[2]


@given(TEXTS, CONTEXTS.filter(len), st.integers(1, 4), st.sampled_from([NGramModel, KneserNeyModel]))
def test_an_ngram_was_seen_if_the_text_has_it(texts, asked, order, model):
    counts, row = grams(texts, order, order), begun(asked, order)
    ends = range(len(row) - len(asked) + 1, len(row) + 1)
    seen = model(order, VOCAB).fit(ended(texts)).seen(torch.tensor([asked]))[0].tolist()
    assert seen == [counts[tuple(row[end - order : end])] > 0 for end in ends]
