"""Assignment 04's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/attention_experiment.py. Budget: 60 s a seed on two CPU cores, for both
models together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.attention import AttentionConfig, AttentionSeq2Seq
from seq2bert.checks.attention_experiment import LENGTHS, LONG, experiment_words
from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import train_model
from seq2bert.seq2seq import Seq2Seq, write
from seq2bert.sequences import Vocabulary

DATA = ("cmudict",)
SCORES = {"attention": "general", "fixed": "none"}


@dataclass(frozen=True)
class Settings:
    """What the notebook sets, too: a test compares the two."""

    train_words: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 8e-3


PROFILES = {"smoke": Settings(train_words=1_500, epochs=1), "full": Settings(train_words=15_000, epochs=4)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train with and without a look back, with the same seed, words and steps; PER and accuracy by word length."""
    metrics: dict[str, Any] = {}
    for name, score in SCORES.items():
        measured, axes = train_and_say(score, settings, seed, folder / f"{name}.pt")
        metrics |= {f"{name}_{metric}": value for metric, value in measured.items()}
    metrics["gain"] = metrics["fixed_long_per"] - metrics["attention_long_per"]
    return {"metrics": metrics, "axes": axes}


def train_and_say(score: str, settings: Settings, seed: int, checkpoint: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train the smallest model with a score, or "none", and let it say the held-out words: metrics and axes."""
    pairs = g2p.pairs(experiment_words()[0][: settings.train_words])
    model, letters, phonemes, history = train_model(pairs, _tiny(score), settings, seed, checkpoint)
    metrics, axes = say(model, letters, phonemes)
    return metrics | {"seconds": history.seconds}, axes | {"train_pairs": len(pairs)}


def say(model: Seq2Seq, letters: Vocabulary, phonemes: Vocabulary) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model makes of the held-out words: PER and accuracy on all, on the long ones, by length; and the axes."""
    held_out = experiment_words()[1]
    words, ways = [entry.word for entry in held_out], [entry.pronunciations for entry in held_out]
    rows = [[i for i, word in enumerate(words) if len(word) in lengths] for lengths in LENGTHS]
    long = [i for i, word in enumerate(words) if len(word) >= LONG]
    said = write(model, words, letters, phonemes, g2p.MAX_PHONEMES)
    overall, on_long, *by_length = (
        error_rates([said[i] for i in places], [ways[i] for i in places]) for places in (range(len(words)), long, *rows)
    )
    metrics = {
        "per": overall.per,
        "long_per": on_long.per,
        "per_by_length": [rates.per for rates in by_length],
        "accuracy_by_length": [1 - rates.wer for rates in by_length],
    }
    return metrics, {"letters": [list(lengths) for lengths in LENGTHS], "words": [len(places) for places in rows]}


def _tiny(score: str):
    """The smallest model, as `train_model` asks for it."""
    return lambda letters, phonemes: AttentionSeq2Seq(AttentionConfig.preset("tiny", letters, phonemes, score=score))
