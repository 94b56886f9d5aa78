"""Dates in twelve languages to ISO, with and without a look back, by the length of what was read.

Data and model are those of `dates`, trained more briefly. Budget of the full profile: eight minutes a seed on one CPU
thread, for both.
"""

from pathlib import Path
from typing import Any

import torch

from seq2bert.data import dates
from seq2bert.experiments.dates import LANGUAGES, PARTS, Settings
from seq2bert.experiments.g2p import train_model
from seq2bert.experiments.translation_attention import attention
from seq2bert.seq2seq import write

DATA = ("dates",)
MODELS = {"none": "none", "attention": "additive"}
BOUNDS = ((1, 13), (14, 15), (16, 17), (18, 99))  # letters of the written date, from and to
PROFILES = {
    "smoke": Settings(train_pairs=1_000, test_pairs=200, epochs=1),
    "full": Settings(train_pairs=20_000, test_pairs=2_000, epochs=4),
}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train both on training days, write test days: whole dates right by length, and years, months and days."""
    pairs = dates.draw(settings.train_pairs, torch.Generator().manual_seed(1), places=LANGUAGES)
    test = dates.draw(settings.test_pairs, torch.Generator().manual_seed(2), test=True, places=LANGUAGES)
    rows = [[i for i, (text, _) in enumerate(test) if low <= len(text) <= high] for low, high in BOUNDS]
    metrics: dict[str, Any] = {}
    for name, score in MODELS.items():
        model, letters, digits, _ = train_model(
            pairs, attention("small", score=score), settings, seed, folder / f"{name}.pt"
        )
        written = ["".join(said) for said in write(model, [text for text, _ in test], letters, digits, max_length=11)]

        def right(chosen: list[int], part: slice, written=written) -> float:
            return sum(written[i][part] == test[i][1][part] for i in chosen) / len(chosen)

        everything = list(range(len(test)))
        metrics[f"exact_{name}"] = right(everything, slice(None))
        metrics |= {f"{part}_{name}": right(everything, where) for part, where in PARTS.items()}
        metrics[f"exact_by_length_{name}"] = [right(few, slice(None)) for few in rows]
    return {"metrics": metrics, "axes": {"bounds": [list(b) for b in BOUNDS], "dates": [len(few) for few in rows]}}
