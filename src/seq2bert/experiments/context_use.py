"""What is a long context worth? Surprise by how much was read before: a model that counts, one that remembers, both.

Budget of the full profile: eight minutes on one CPU thread.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert import pretrained
from seq2bert.data import corpus, wordpieces
from seq2bert.evaluation.language import LanguageModel, batches, perplexities, windows
from seq2bert.experiments.ladder import MODELS, WINDOW
from seq2bert.sequences import EOS_ID

DATA = ("movie-reviews", "wikipedia")
READ = (0, 1, 2, 4, 8, 16, 32, 64)  # tokens read before, from this number to just under the next


@dataclass(frozen=True)
class Settings:
    """How much of everything: a step in the list of documents; 1 takes them all."""

    every: int


PROFILES = {"smoke": Settings(every=100), "full": Settings(every=1)}


class Mixture:
    """Two language models that are each believed half: p = (p_1 + p_2) / 2."""

    def __init__(self, one: LanguageModel, other: LanguageModel):
        self.models = one, other

    def log_probs(self, ids: Tensor) -> Tensor:
        """(B, T) ids to (B, T) log-probabilities in nats."""
        one, other = (model.log_probs(ids).cpu().double() for model in self.models)
        return torch.logaddexp(one, other) - math.log(2)


@torch.no_grad()
def surprise_by_position(model: LanguageModel, rows: list[list[int]]) -> list[float]:
    """Mean surprise in nats, over the positions from each entry of READ to the next. All rows are WINDOW long."""
    total = torch.zeros(WINDOW, dtype=torch.double)
    for _, ids, _ in batches(rows):
        total -= model.log_probs(ids).cpu().double().sum(0)
    return [(part.mean() / len(rows)).item() for part in total.tensor_split(READ[1:])]


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """The ladder's 5-gram model, the released LSTM, and both: by position in full windows, and on all of the text."""
    train, held_out = (
        windows(wordpieces.encode(corpus.documents(part)[:: settings.every]), WINDOW, EOS_ID)
        for part in ("train", "validation")
    )
    rows = [row for row in held_out if len(row) == WINDOW]
    words = sum(len(text.split()) for text in corpus.documents("validation")[:: settings.every])
    counting, lstm = MODELS["5-gram, Kneser-Ney"](train), pretrained.lstm()
    models = {"counting": counting, "lstm": lstm, "mixture": Mixture(counting, lstm)}
    metrics: dict[str, Any] = {}
    for name, model in models.items():
        metrics[name] = surprise_by_position(model, rows)
        metrics[f"{name}_perplexity"] = perplexities(model, held_out, words, name)["perplexity"]
        print(f"{name}: perplexity {metrics[f'{name}_perplexity']:.1f}", flush=True)
    return {
        "metrics": metrics,
        "axes": {"read": list(READ), "windows": len(rows)},
    }
