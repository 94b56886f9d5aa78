"""Does it matter from which end the encoder reads? The same model, forwards and backwards, on CMUdict.

Budget of the full profile: four minutes a seed on one CPU thread, for both orders together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import MAX_PHONEMES, epoch_of_batches, mean_loss, vocabularies
from seq2bert.seq2seq import Seq2Seq, Seq2SeqConfig, teacher_forcing_loss, write
from seq2bert.training.loop import TrainingConfig, pick_device, train

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
    letters, phonemes = vocabularies(pairs)
    words = [entry.word for entry in split["validation"]]
    ways = [entry.pronunciations for entry in split["validation"]]
    batches = epoch_of_batches(pairs, letters, phonemes, settings.batch_size)
    order = torch.Generator().manual_seed(0)
    held_out = epoch_of_batches(g2p.pairs(split["validation"]), letters, phonemes, settings.batch_size)(order)
    metrics: dict[str, Any] = {}
    for name, backwards in (("forwards", False), ("backwards", True)):
        torch.manual_seed(seed)
        config = Seq2SeqConfig.preset("small", len(letters), len(phonemes), reverse_source=backwards)
        model = Seq2Seq(config).to(pick_device())
        history = train(
            model,
            batches,
            teacher_forcing_loss,
            TrainingConfig(epochs=settings.epochs, learning_rate=settings.learning_rate, seed=seed),
            evaluate=lambda m: {"nats": mean_loss(m, held_out)},
            checkpoint=folder / f"{name}.pt",
        )
        metrics[f"{name}_loss"] = [evaluation["nats"] for evaluation in history.evaluations]
        metrics[f"{name}_per"] = error_rates(write(model, words, letters, phonemes, MAX_PHONEMES), ways).per
    return {"metrics": metrics, "axes": {"train_pairs": len(pairs), "words": len(words)}}
