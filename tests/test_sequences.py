"""Vocabulary, padding, masks, batches: what must hold for any sequences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2bert.sequences import SPECIALS, UNK_ID, Vocabulary, batch_indices, pad, padding_mask

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
