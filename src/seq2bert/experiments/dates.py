"""Dates in twelve languages to ISO, letter by letter: which part of a known rule survives the fixed context?

Budget of the full profile: eight minutes a seed on one CPU thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2bert.data import dates
from seq2bert.experiments.g2p import seq2seq, train_model
from seq2bert.seq2seq import write

DATA = ("dates",)
LANGUAGES = ("cs", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "tr")
PARTS = {"year": slice(0, 4), "month": slice(5, 7), "day": slice(8, 10)}


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    train_pairs: int
    test_pairs: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 4e-3


PROFILES = {
    "smoke": Settings(train_pairs=1_000, test_pairs=200, epochs=1),
    "full": Settings(train_pairs=20_000, test_pairs=2_000, epochs=10),
}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train on training days, write test days: how many dates, years, months and days are right."""
    pairs = dates.draw(settings.train_pairs, torch.Generator().manual_seed(1), places=LANGUAGES)
    test = dates.draw(settings.test_pairs, torch.Generator().manual_seed(2), test=True, places=LANGUAGES)
    model, letters, digits, _ = train_model(pairs, seq2seq("small"), settings, seed, folder / "training.pt")
    written = ["".join(said) for said in write(model, [text for text, _ in test], letters, digits, max_length=11)]
    right = [iso for _, iso in test]

    def part_right(part: slice) -> float:
        return sum(mine[part] == iso[part] for mine, iso in zip(written, right, strict=True)) / len(test)

    return {
        "metrics": {"exact": part_right(slice(None))} | {name: part_right(part) for name, part in PARTS.items()},
        "axes": {"train_pairs": len(pairs), "test_pairs": len(test), "languages": list(LANGUAGES)},
        "examples": {text: mine for (text, _), mine in list(zip(test, written, strict=True))[:20]},
    }
