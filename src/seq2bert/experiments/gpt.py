"""The causal Transformer of the ladder: chapter 02's pass over the corpus, with chapter 08's model.

Budget of the full profile: an hour on one CPU thread, with bfloat16 products.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2bert.data import wordpieces
from seq2bert.experiments.lstm import pretrain
from seq2bert.gpt import GPT, GPTConfig
from seq2bert.training.loop import TrainingConfig

DATA = ("movie-reviews", "wikipedia")
RELEASES = ("gpt.safetensors",)  # becomes seq2bert.pretrained.gpt


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    preset: str
    batch_size: int  # windows
    learning_rate: float
    every: int  # a step in the list of documents; 1 takes them all
    precision: str = "bfloat16"


PROFILES = {
    "smoke": Settings("tiny", batch_size=16, learning_rate=2e-3, every=200),
    "full": Settings("base", batch_size=16, learning_rate=2e-3, every=1),
}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train on the training part; perplexities of the validation part, and the way there."""
    torch.manual_seed(seed)
    model = GPT(GPTConfig.preset(settings.preset, wordpieces.SIZE, max_positions=128))
    training = TrainingConfig(learning_rate=settings.learning_rate, seed=seed, precision=settings.precision)
    return pretrain(model, settings, training, folder, RELEASES[0])
