"""The bidirectional language model of the ladder: chapter 02's pass over the corpus, read from both ends.

Budget of the full profile: an hour on one CPU thread, with bfloat16 products.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert.data import corpus, wordpieces
from seq2bert.elmo import DIRECTIONS, BidirectionalLM, ElmoConfig, bidirectional_loss
from seq2bert.evaluation.language import log_likelihoods, windows
from seq2bert.experiments.ladder import WINDOW
from seq2bert.experiments.lstm import pretrain
from seq2bert.sequences import EOS_ID
from seq2bert.training.loop import TrainingConfig

DATA = ("movie-reviews", "wikipedia")
RELEASES = ("elmo.safetensors",)  # becomes seq2bert.pretrained.elmo


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    preset: str
    batch_size: int  # windows
    learning_rate: float
    every: int  # a step in the list of documents; 1 takes them all
    precision: str = "bfloat16"


PROFILES = {
    "smoke": Settings("tiny", batch_size=16, learning_rate=6e-3, every=200),
    "full": Settings("base", batch_size=16, learning_rate=6e-3, every=1),
}


@dataclass(frozen=True)
class OneDirection:
    """One of the two language models by itself, as the ladder asks for it."""

    model: BidirectionalLM
    direction: str

    def log_probs(self, ids: Tensor) -> Tensor:
        """(B, T) ids to (B, T) log-probabilities in nats."""
        return self.model.direction_log_probs(ids)[DIRECTIONS.index(self.direction)]


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train on the training part; perplexities of the validation part, by direction, too, and the way there."""
    torch.manual_seed(seed)
    model = BidirectionalLM(ElmoConfig.preset(settings.preset, wordpieces.SIZE))
    training = TrainingConfig(learning_rate=settings.learning_rate, seed=seed, precision=settings.precision)
    outcome = pretrain(model, settings, training, folder, RELEASES[0], bidirectional_loss)
    held_out = windows(wordpieces.encode(corpus.documents("validation")[:: settings.every]), WINDOW, EOS_ID)
    for direction in DIRECTIONS:
        found = log_likelihoods(OneDirection(model, direction), held_out, progress=direction)
        outcome["metrics"][f"perplexity_{direction}"] = math.exp(-found.sum().item() / sum(map(len, held_out)))
    return outcome
