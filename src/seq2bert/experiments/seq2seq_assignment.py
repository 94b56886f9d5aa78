"""Assignment 03's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/seq2seq.py. Budget: 60 s a seed on two CPU cores.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.checks.seq2seq import experiment_words
from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import letter_by_letter, seq2seq, train_model
from seq2bert.seq2seq import write

DATA = ("cmudict",)


@dataclass(frozen=True)
class Settings:
    """What the notebook sets, too: a test compares the two."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 4e-3
    beam_size: int = 4


PROFILES = {"smoke": Settings(epochs=1), "full": Settings(epochs=4)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train the small GRU on short words; PER and WER on held-out short words."""
    train_words, held_out = experiment_words()
    pairs = g2p.pairs(train_words)
    model, letters, phonemes, history = train_model(pairs, seq2seq("small"), settings, seed, folder / "training.pt")
    words, ways = [entry.word for entry in held_out], [entry.pronunciations for entry in held_out]
    greedy = error_rates(write(model, words, letters, phonemes, g2p.MAX_PHONEMES), ways)
    beam = error_rates(write(model, words, letters, phonemes, g2p.MAX_PHONEMES, settings.beam_size), ways)
    trivial = error_rates(letter_by_letter(pairs, words), ways)
    return {
        "metrics": {
            "per": beam.per,
            "wer": beam.wer,
            "greedy_per": greedy.per,
            "greedy_wer": greedy.wer,
            "letter_by_letter_per": trivial.per,
            "letter_by_letter_wer": trivial.wer,
            "training_seconds": history.seconds,
        },
        "axes": {"train_pairs": len(pairs), "held_out_words": len(words)},
    }
