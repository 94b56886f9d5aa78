"""Assignment 05's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/transformer_experiment.py. The words are those of assignment 04,
whose model is the one to beat. Budget: 60 s a seed on one CPU core.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.checks.attention_experiment import LENGTHS
from seq2bert.checks.transformer_experiment import experiment_words
from seq2bert.data import g2p
from seq2bert.experiments.attention_assignment import say
from seq2bert.experiments.g2p import train_model
from seq2bert.transformer import Transformer, TransformerConfig

DATA = ("cmudict",)


@dataclass(frozen=True)
class Settings:
    """What the notebook sets, too: a test compares the two."""

    train_words: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 8e-3
    warmup_fraction: float = 0.1
    hidden_size: int = 64
    num_heads: int = 4
    intermediate_size: int = 128
    num_layers: int = 1

    def model(self, letters: int, phonemes: int) -> Transformer:
        """A pre-norm Transformer without dropout, for vocabularies of these sizes."""
        sizes = {name: getattr(self, name) for name in SIZES}
        return Transformer(TransformerConfig(letters, phonemes, **sizes, norm_first=True, dropout=0.0))


SIZES = ("hidden_size", "num_heads", "intermediate_size", "num_layers")
PROFILES = {"smoke": Settings(train_words=1_500, epochs=1), "full": Settings(train_words=15_000, epochs=16)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train once; PER and accuracy on all words, on the long ones, and by word length."""
    train_words, _ = experiment_words()
    pairs = g2p.pairs(train_words[: settings.train_words])
    model, letters, phonemes, history = train_model(
        pairs, settings.model, settings, seed, folder / "training.pt", warmup_fraction=settings.warmup_fraction
    )
    metrics, axes = say(model, letters, phonemes)
    by_length = [
        sum(len(entry.word) in lengths for entry in train_words[: settings.train_words]) for lengths in LENGTHS
    ]
    return {
        "metrics": metrics | {"seconds": history.seconds},
        "axes": axes
        | {
            "train_words_by_length": by_length,
            "train_pairs": len(pairs),
            "parameters": model.config.num_parameters(),
        },
    }
