"""German captions into English without recurrence: chapter 05's Transformer on Multi30k.

Data and steps are those of `translation`, with fewer parameters, a warm-up and the smoothed loss. Budget of the full
profile: 20 minutes a seed on one CPU thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2bert.data import multi30k
from seq2bert.experiments import translation
from seq2bert.experiments.translation import translate
from seq2bert.seq2seq import write
from seq2bert.sequences import BOS_ID, Vocabulary, pad
from seq2bert.transformer import Transformer, TransformerConfig, attention_maps, label_smoothing_loss

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


def looks(
    model: Transformer, german: Vocabulary, english: Vocabulary, settings: Settings, count: int
) -> list[dict[str, Any]]:
    """Where every head looked while the model wrote: the first short test sentences, and the maps under their names."""
    found = []
    for words, _ in [pair for pair in multi30k.pairs("test") if len(pair[0]) <= 12][:count]:
        (written,) = write(model, [words], german, english, multi30k.MAX_WORDS, settings.beam_size)
        source, lengths = pad([german.encode(words)])
        maps = attention_maps(model, source, lengths, torch.tensor([[BOS_ID, *english.encode(written)]]))
        found.append(
            {
                "source": list(words),
                "written": [*written, "<eos>"],
                "maps": {
                    name: weights[0].double().mul(1000).round().div(1000).tolist() for name, weights in maps.items()
                },
            }
        )
    return found


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Three layers each side, 128 wide, pre-norm, sinusoidal positions, label smoothing 0.1."""
    outcome, model, german, english = translate(
        lambda source_vocab, target_vocab: Transformer(
            TransformerConfig.preset(settings.preset, source_vocab, target_vocab, dropout=settings.dropout)
        ),
        settings,
        seed,
        folder / "training.pt",
        loss_function=label_smoothing_loss,
        warmup_fraction=settings.warmup_fraction,
    )
    outcome["examples"] = {
        "translations": outcome["examples"],
        "looks": looks(model.cpu(), german, english, settings, count=2),
    }
    return outcome
