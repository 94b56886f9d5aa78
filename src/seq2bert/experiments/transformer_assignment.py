"""Assignment 05's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/transformer_experiment.py. The words are those of assignment 04,
whose model is the one to beat. Budget: 60 s a seed on one CPU core.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.checks.attention_experiment import LENGTHS, LONG
from seq2bert.checks.transformer_experiment import experiment_words
from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import train_model
from seq2bert.seq2seq import write
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
    train_words, held_out = experiment_words()
    pairs = g2p.pairs(train_words[: settings.train_words])
    model, letters, phonemes, history = train_model(
        pairs, settings.model, settings, seed, folder / "training.pt", warmup_fraction=settings.warmup_fraction
    )
    words, ways = [entry.word for entry in held_out], [entry.pronunciations for entry in held_out]
    said = write(model, words, letters, phonemes, g2p.MAX_PHONEMES)
    rows = [[i for i, word in enumerate(words) if len(word) in lengths] for lengths in LENGTHS]
    long = [i for i, word in enumerate(words) if len(word) >= LONG]
    overall, on_long, *by_length = (
        error_rates([said[i] for i in places], [ways[i] for i in places]) for places in (range(len(words)), long, *rows)
    )
    return {
        "metrics": {
            "per": overall.per,
            "long_per": on_long.per,
            "per_by_length": [rates.per for rates in by_length],
            "accuracy_by_length": [1 - rates.wer for rates in by_length],
            "seconds": history.seconds,
        },
        "axes": {
            "letters": [list(lengths) for lengths in LENGTHS],
            "words": [len(places) for places in rows],
            "train_words_by_length": [
                sum(len(entry.word) in lengths for entry in train_words[: settings.train_words]) for lengths in LENGTHS
            ],
            "train_pairs": len(pairs),
            "parameters": model.config.num_parameters(),
        },
    }
