"""Does it help to read one's own words while learning? Scheduled sampling on CMUdict.

Data, model, seeds and steps are those of `reading_order`, whose backward reader is the same model under teacher
forcing. Budget of the full profile: three minutes a seed on one CPU thread.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments import reading_order
from seq2bert.experiments.g2p import VALIDATION, epoch_of_batches, mean_loss, seq2seq, vocabularies
from seq2bert.experiments.reading_order import Settings
from seq2bert.seq2seq import scheduled_sampling_loss, write
from seq2bert.training.loop import TrainingConfig, pick_device, train

DATA = reading_order.DATA
PROFILES = reading_order.PROFILES
LEAST_TRUTH = 0.5  # to which the part of true tokens falls, in a straight line


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
    """Validation loss, with the truth read, by epoch, and PER on the validation words."""
    split = g2p.split()
    pairs = g2p.pairs(split["train"][: settings.train_words])
    letters, phonemes = vocabularies(pairs)
    validation = g2p.pairs(split["validation"])
    held_out = epoch_of_batches(validation, letters, phonemes, settings.batch_size)(torch.Generator().manual_seed(0))
    torch.manual_seed(seed)
    model = seq2seq("small")(len(letters), len(phonemes)).to(pick_device())
    history = train(
        model,
        with_truth(epoch_of_batches(pairs, letters, phonemes, settings.batch_size), settings.epochs, LEAST_TRUTH),
        loss_of,
        TrainingConfig(epochs=settings.epochs, learning_rate=settings.learning_rate, seed=seed),
        evaluate=lambda model: {VALIDATION: mean_loss(model, held_out)},
        checkpoint=folder / "training.pt",
    )
    words = [entry.word for entry in split["validation"]]
    ways = [entry.pronunciations for entry in split["validation"]]
    return {
        "metrics": {
            "loss": [evaluation[VALIDATION] for evaluation in history.evaluations],
            "per": error_rates(write(model, words, letters, phonemes, g2p.MAX_PHONEMES), ways).per,
        },
        "axes": {"train_pairs": len(pairs), "words": len(words), "least_truth": LEAST_TRUTH},
    }
