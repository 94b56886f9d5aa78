"""The adding problem: as it is described, the same for everybody, and no easier than it should be."""

import hashlib

import pytest
import torch

from seq2bert.data import adding


def draw(count, seed=0, **choice):
    return adding.draw(count, torch.Generator().manual_seed(seed), **choice)


@pytest.mark.parametrize("length", [2, 3, 50, 51])
def test_each_half_has_one_marker_and_the_sum_is_that_of_the_marked_values(length):
    inputs, sums = draw(500, length=length)
    values, markers = inputs.unbind(-1)
    assert inputs.shape == (500, length, 2)
    assert set(markers.unique().tolist()) <= {0.0, 1.0}
    assert (markers[:, : length // 2].sum(1) == 1).all()
    assert (markers[:, length // 2 :].sum(1) == 1).all()
    assert ((values >= 0) & (values < 1)).all()
    torch.testing.assert_close((values * markers).sum(1), sums)


def test_every_place_is_marked_as_often_as_the_others():
    inputs, _ = draw(20_000, length=10)
    often = inputs[..., 1].mean(0)  # each place of a half: one time in five
    torch.testing.assert_close(often, torch.full((10,), 0.2), rtol=0, atol=0.012)


def test_who_always_answers_one_is_off_by_a_sixth():
    _, sums = draw(100_000)
    assert (sums - 1).square().mean().item() == pytest.approx(1 / 6, rel=0.01)


def test_the_held_out_sequences_are_the_recorded_ones():
    inputs, sums = adding.held_out()
    assert inputs.shape == (1_000, 50, 2)
    assert adding.held_out()[0] is inputs
    digest = hashlib.sha256(inputs.numpy().tobytes() + sums.numpy().tobytes()).hexdigest()
    assert digest == "06e86860ddf4d3ded828872e1cbaffd7033c97d5a6431632122635f17c53509e"


def test_a_length_without_two_halves_is_refused():
    with pytest.raises(ValueError, match="length must be at least 2, got 1"):
        draw(3, length=1)
