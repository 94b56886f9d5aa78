"""German captions into English with a look back: chapter 04's model on Multi30k.

Data, steps and width are those of `translation`. Budget of the full profile: 20 minutes a seed on one CPU thread.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from seq2bert.attention import AttentionConfig, AttentionSeq2Seq
from seq2bert.experiments import translation
from seq2bert.experiments.translation import Settings, recurrent_sizes, translate

DATA = translation.DATA
PROFILES = translation.PROFILES


def attention(preset: str, **changes: Any) -> Callable[[int, int], AttentionSeq2Seq]:
    """Chapter 04's model, as `train_model` asks for it: a preset, and fields of it to set otherwise."""
    return lambda source_vocab, target_vocab: AttentionSeq2Seq(
        AttentionConfig.preset(preset, source_vocab, target_vocab, **changes)
    )


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Additive scores, all steps at once: the decoder of Luong et al. with the score of Bahdanau et al."""
    return translate(attention("base", **recurrent_sizes(settings)), settings, seed, folder / "training.pt")
