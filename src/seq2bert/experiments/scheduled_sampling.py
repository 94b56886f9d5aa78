"""Does it help to read one's own words while learning? Teacher forcing against scheduled sampling, on CMUdict.

Data, model and steps are those of `reading_order`. Budget of the full profile: six minutes a seed on one CPU thread,
for both.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments import reading_order
from seq2bert.experiments.g2p import epoch_of_batches, seq2seq, vocabularies
from seq2bert.experiments.reading_order import Settings
from seq2bert.seq2seq import scheduled_sampling_loss, write
from seq2bert.training.loop import TrainingConfig, pick_device, train

DATA = reading_order.DATA
PROFILES = reading_order.PROFILES
LEAST_TRUTH = {"forced": 1.0, "scheduled": 0.5}  # to which the part of true tokens falls, in a straight line


def with_truth(batches: Callable, epochs: int, least: float) -> Callable[[torch.Generator], list]:
    """Batches that also say how likely a true token is: 1 in the first of all epochs' batches, `least` in the last."""
    epoch = iter(range(epochs))

    def scheduled(generator: torch.Generator) -> list:
        own, now = batches(generator), next(epoch)
        total = max(1, epochs * len(own) - 1)
        return [(batch, torch.tensor(1 - (1 - least) * (now * len(own) + i) / total)) for i, batch in enumerate(own)]

    return scheduled


def loss_of(model: torch.nn.Module, batch: tuple[Any, Tensor]) -> Tensor:
    """What the training loop calls."""
    return scheduled_sampling_loss(model, *batch)


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train both with the same seed, data and steps; PER on the validation words, of all and of long ones."""
    split = g2p.split()
    pairs = g2p.pairs(split["train"][: settings.train_words])
    letters, phonemes = vocabularies(pairs)
    words = [entry.word for entry in split["validation"]]
    ways = [entry.pronunciations for entry in split["validation"]]
    long = [i for i, word in enumerate(words) if len(word) >= 10]
    metrics: dict[str, Any] = {}
    for name, least in LEAST_TRUTH.items():
        torch.manual_seed(seed)
        model = seq2seq("small")(len(letters), len(phonemes)).to(pick_device())
        batches = epoch_of_batches(pairs, letters, phonemes, settings.batch_size)
        history = train(
            model,
            with_truth(batches, settings.epochs, least),
            loss_of,
            TrainingConfig(epochs=settings.epochs, learning_rate=settings.learning_rate, seed=seed),
            checkpoint=folder / f"{name}.pt",
        )
        said = write(model, words, letters, phonemes, g2p.MAX_PHONEMES)
        metrics[f"{name}_per"] = error_rates(said, ways).per
        metrics[f"{name}_per_long"] = error_rates([said[i] for i in long], [ways[i] for i in long]).per
        metrics[f"{name}_seconds"] = history.seconds
    return {"metrics": metrics, "axes": {"train_pairs": len(pairs), "words": len(words), "long_words": len(long)}}
