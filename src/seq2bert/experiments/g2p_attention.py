"""Spelling to sound with a look back: the LSTM of chapter 04 on CMUdict, where `g2p` had a fixed context.

Data, steps and width are those of `g2p`. Budget of the full profile: 40 minutes of processor time a seed, on one
thread.
"""

from pathlib import Path
from typing import Any

from seq2bert.experiments import g2p
from seq2bert.experiments.g2p import Settings, pronounce
from seq2bert.experiments.translation_attention import attention

DATA = g2p.DATA
PROFILES = g2p.PROFILES
RELEASES = ("g2p_attention.safetensors",)  # the first seed's weights become seq2bert.pretrained.g2p_attention


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Additive scores, all steps at once."""
    return pronounce(attention(settings.preset), settings, seed, folder, *RELEASES)
