"""Dates: reproducible, split by day, and read by Python's own parser."""

import hashlib
from datetime import date

import torch

from seq2bert.data import dates


def draw(count, seed=0, **choice):
    return dates.draw(count, torch.Generator().manual_seed(seed), **choice)


def test_the_drawn_dates_are_the_recorded_ones():
    assert len(dates.locales()) == 986
    digest = hashlib.sha256(repr(draw(500)).encode()).hexdigest()
    assert digest == "9b965d078c867e2379f0382ed254b28724373ac7bfde837fefad7f32bc745c7f"


def test_no_test_day_is_drawn_for_training():
    training, test = draw(400), draw(400, test=True)
    assert not {iso for _, iso in training} & {iso for _, iso in test}
    assert all(dates.is_test_day(date.fromisoformat(iso)) for _, iso in test)


def test_places_can_be_chosen():
    assert all(iso[:4] in text for text, iso in draw(50, places=("en", "de")))


def test_the_texts_name_the_month():
    assert all(sum(map(str.isalpha, text)) >= 1 for text, _ in draw(300))
