"""How much fits into the context? The same encoder-decoder with contexts of 16 to 128 numbers, by word length.

Budget of the full profile: four minutes a seed on one CPU thread, for all sizes together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import seq2seq, train_model
from seq2bert.seq2seq import write

DATA = ("cmudict",)
SIZES = (16, 32, 64, 128)
BUCKETS = ((1, 5), (6, 7), (8, 9), (10, 99))  # letters, from and to


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    train_words: int
    test_words: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 4e-3


PROFILES = {
    "smoke": Settings(train_words=2_000, test_words=500, epochs=1),
    "full": Settings(train_words=20_000, test_words=4_000, epochs=4),
}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train one GRU for each size with the same seed, data and steps; PER by word length on test words."""
    split = g2p.split()
    pairs = g2p.pairs(split["train"][: settings.train_words])
    test = split["test"][: settings.test_words]
    metrics: dict[str, Any] = {}
    for size in SIZES:
        model, letters, phonemes, _ = train_model(
            pairs, seq2seq("small", hidden_size=size), settings, seed, folder / f"{size}.pt"
        )
        said = write(model, [entry.word for entry in test], letters, phonemes, g2p.MAX_PHONEMES)
        rates = []
        for shortest, longest in BUCKETS:
            rows = [i for i, entry in enumerate(test) if shortest <= len(entry.word) <= longest]
            rates.append(error_rates([said[i] for i in rows], [test[i].pronunciations for i in rows]).per)
        metrics[f"per_by_length_{size}"] = rates
    counts = [sum(shortest <= len(e.word) <= longest for e in test) for shortest, longest in BUCKETS]
    return {
        "metrics": metrics,
        "axes": {"sizes": list(SIZES), "buckets": [list(b) for b in BUCKETS], "words": counts},
    }
