"""What is a long context worth? Surprise by how much was read before, for a model that counts and one that remembers.

Budget of the full profile: three minutes on one CPU thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2bert import pretrained
from seq2bert.data import corpus, wordpieces
from seq2bert.evaluation.language import LanguageModel, batches, windows
from seq2bert.experiments.ladder import MODELS, WINDOW
from seq2bert.sequences import EOS_ID

DATA = ("movie-reviews", "wikipedia")
READ = (0, 1, 2, 4, 8, 16, 32, 64)  # tokens read before, from this number to just under the next


@dataclass(frozen=True)
class Settings:
    """How much of everything: a step in the list of documents; 1 takes them all."""

    every: int


PROFILES = {"smoke": Settings(every=100), "full": Settings(every=1)}


@torch.no_grad()
def surprise_by_position(model: LanguageModel, rows: list[list[int]]) -> list[float]:
    """Mean surprise in nats, over the positions from each entry of READ to the next. All rows are WINDOW long."""
    total = torch.zeros(WINDOW, dtype=torch.double)
    for _, ids, _ in batches(rows):
        total -= model.log_probs(ids).cpu().double().sum(0)
    return [(part.mean() / len(rows)).item() for part in total.tensor_split(READ[1:])]


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """The 5-gram model of the ladder and the released LSTM on the full windows of the validation part."""
    train, held_out = (
        windows(wordpieces.encode(corpus.documents(part)[:: settings.every]), WINDOW, EOS_ID)
        for part in ("train", "validation")
    )
    rows = [row for row in held_out if len(row) == WINDOW]
    counting = MODELS["5-gram, Kneser-Ney"](train)
    return {
        "metrics": {
            "counting": surprise_by_position(counting, rows),
            "lstm": surprise_by_position(pretrained.lstm(), rows),
        },
        "axes": {"read": list(READ), "windows": len(rows)},
    }
