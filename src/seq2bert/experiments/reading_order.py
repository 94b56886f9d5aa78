"""Does it matter from which end the encoder reads? The same model, forwards and backwards, on CMUdict.

Budget of the full profile: four minutes a seed on one CPU thread, for both orders together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import VALIDATION, seq2seq, train_model
from seq2bert.seq2seq import write

DATA = ("cmudict",)


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    train_words: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 4e-3


PROFILES = {"smoke": Settings(train_words=3_000, epochs=1), "full": Settings(train_words=20_000, epochs=4)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train both with the same seed, data and steps; validation loss by epoch and PER on the validation words."""
    split = g2p.split()
    pairs = g2p.pairs(split["train"][: settings.train_words])
    words = [entry.word for entry in split["validation"]]
    ways = [entry.pronunciations for entry in split["validation"]]
    validation = g2p.pairs(split["validation"])
    metrics: dict[str, Any] = {}
    for name, backwards in (("forwards", False), ("backwards", True)):
        model, letters, phonemes, history = train_model(
            pairs, seq2seq("small", reverse_source=backwards), settings, seed, folder / f"{name}.pt", validation
        )
        metrics[f"{name}_loss"] = [evaluation[VALIDATION] for evaluation in history.evaluations]
        metrics[f"{name}_per"] = error_rates(write(model, words, letters, phonemes, g2p.MAX_PHONEMES), ways).per
    return {"metrics": metrics, "axes": {"train_pairs": len(pairs), "words": len(words)}}
