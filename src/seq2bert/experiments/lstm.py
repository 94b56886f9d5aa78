"""The recurrent language model of the ladder: one LSTM, one pass over the corpus.

Budget of the full profile: an hour and a half on one CPU thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from seq2bert.data import corpus, wordpieces
from seq2bert.evaluation.language import perplexities, windows
from seq2bert.experiments.ladder import WINDOW
from seq2bert.recurrent import RecurrentLanguageModel, RecurrentLMConfig, next_token_loss
from seq2bert.sequences import EOS_ID, batch_indices, pad
from seq2bert.training.checkpoint import release_weights
from seq2bert.training.loop import TrainingConfig, pick_device, train

DATA = ("movie-reviews", "wikipedia")
RELEASES = ("lstm.safetensors",)  # becomes seq2bert.pretrained.lstm
STEPS_A_POINT = 50  # of the curve of the training loss


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    preset: str
    batch_size: int  # windows
    learning_rate: float
    every: int  # a step in the list of documents; 1 takes them all


PROFILES = {
    "smoke": Settings("tiny", batch_size=16, learning_rate=6e-3, every=200),
    "full": Settings("base", batch_size=16, learning_rate=6e-3, every=1),
}


def epoch_of_windows(rows: Sequence[Sequence[int]], batch_size: int):
    """What the training loop asks for: from a generator, an epoch's batches of windows, (B, T) padded."""
    lengths = [len(row) for row in rows]

    def batches(generator: torch.Generator) -> list[torch.Tensor]:
        return [pad([rows[i] for i in batch])[0] for batch in batch_indices(lengths, batch_size, generator)]

    return batches


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train on the training part; perplexities of the validation part, and the way there."""
    torch.manual_seed(seed)
    config = RecurrentLMConfig.preset(settings.preset, wordpieces.SIZE)
    training = TrainingConfig(learning_rate=settings.learning_rate, seed=seed)
    return pretrain(RecurrentLanguageModel(config), settings, training, folder, RELEASES[0])


def pretrain(
    model: Any,
    settings: Any,
    training: TrainingConfig,
    folder: Path,
    release: str,
    loss_function: Callable = next_token_loss,
) -> dict[str, Any]:
    """What every language model of the ladder goes through: the corpus, in windows, and held-out text after it.

    Args:
        model: a language model with a `config` and `log_probs`.
        settings: its `batch_size` and `every`.
        training: how to train.
        folder: where checkpoint and weights are kept.
        release: the weights' file.
        loss_function: from model and batch of windows (B, T), a loss.
    """
    validation = corpus.documents("validation")[:: settings.every]
    words = sum(len(text.split()) for text in validation)
    train_rows, held_out = (
        windows(wordpieces.encode(texts), WINDOW, EOS_ID)
        for texts in (corpus.documents("train")[:: settings.every], validation)
    )
    config = model.config
    model.to(pick_device())
    history = train(
        model,
        epoch_of_windows(train_rows, settings.batch_size),
        loss_function,
        training,
        checkpoint=folder / "training.pt",
        checkpoint_every=200,
    )
    release_weights(folder / release, model.state_dict(), {"settings": vars(config), "seed": training.seed})
    curve = [
        fmean(history.losses[i : i + STEPS_A_POINT])
        for i in range(0, len(history.losses) - STEPS_A_POINT + 1, STEPS_A_POINT)
    ]
    return {
        "metrics": perplexities(model, held_out, words, "validation")
        | {"training_loss": curve, "training_seconds": history.seconds},
        "axes": {
            "steps_a_point": STEPS_A_POINT,
            "steps": len(history.losses),
            "train_pieces": sum(map(len, train_rows)),
            "parameters": config.num_parameters(),
        },
    }
