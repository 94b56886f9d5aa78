"""What is a look back worth, and does the score matter? One encoder, five decoders, CMUdict, by word length.

Data, steps and width are those of `context_size`, for which length was hard. Budget of the full profile: ten minutes a
seed on one CPU thread, for all five together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.context_size import BUCKETS
from seq2bert.experiments.g2p import train_model
from seq2bert.experiments.translation_attention import attention
from seq2bert.seq2seq import write

DATA = ("cmudict",)
MODELS: dict[str, dict[str, Any]] = {
    "none": dict(score="none"),
    "dot": dict(score="dot"),
    "general": dict(score="general"),
    "additive": dict(score="additive"),
    "local": dict(score="general", window=2),
}


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    train_words: int
    test_words: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 4e-3


PROFILES = {
    "smoke": Settings(train_words=1_000, test_words=200, epochs=1),
    "full": Settings(train_words=20_000, test_words=4_000, epochs=4),
}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train the five with the same seed, data and steps; PER of all test words, and by word length."""
    split = g2p.split()
    pairs = g2p.pairs(split["train"][: settings.train_words])
    test = split["test"][: settings.test_words]
    rows = [[i for i, entry in enumerate(test) if low <= len(entry.word) <= high] for low, high in BUCKETS]
    metrics: dict[str, Any] = {}
    for name, changes in MODELS.items():
        model, letters, phonemes, history = train_model(
            pairs, attention("small", **changes), settings, seed, folder / f"{name}.pt"
        )
        said = write(model, [entry.word for entry in test], letters, phonemes, g2p.MAX_PHONEMES)
        ways = [entry.pronunciations for entry in test]
        metrics[f"per_{name}"] = error_rates(said, ways).per
        metrics[f"per_by_length_{name}"] = [
            error_rates([said[i] for i in few], [ways[i] for i in few]).per for few in rows
        ]
        metrics[f"seconds_{name}"] = history.seconds
    return {"metrics": metrics, "axes": {"buckets": [list(b) for b in BUCKETS], "words": [len(few) for few in rows]}}
