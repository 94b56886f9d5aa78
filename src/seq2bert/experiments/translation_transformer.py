"""German captions into English without recurrence: chapter 05's Transformer on Multi30k.

Data and steps are those of `translation`, with fewer parameters, a warm-up and the smoothed loss. Budget of the full
profile: 20 minutes a seed on one CPU thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.experiments import translation
from seq2bert.experiments.translation import translate
from seq2bert.transformer import Transformer, TransformerConfig, label_smoothing_loss

DATA = translation.DATA


@dataclass(frozen=True)
class Settings(translation.Settings):
    """What a Transformer wants otherwise."""

    preset: str = "small"
    dropout: float = 0.1
    warmup_fraction: float = 0.1


PROFILES = {
    "smoke": Settings(epochs=1, train_pairs=1_000, test_pairs=100, preset="tiny"),
    "full": Settings(epochs=6),
}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Three layers each side, 128 wide, pre-norm, sinusoidal positions, label smoothing 0.1."""
    return translate(
        lambda source_vocab, target_vocab: Transformer(
            TransformerConfig.preset(settings.preset, source_vocab, target_vocab, dropout=settings.dropout)
        ),
        settings,
        seed,
        folder / "training.pt",
        loss_function=label_smoothing_loss,
        warmup_fraction=settings.warmup_fraction,
    )[0]
