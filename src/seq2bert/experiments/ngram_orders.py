"""How long should an n-gram be? Orders one to six: how many of the held-out ones were ever seen, and what that costs.

Budget of the full profile: six minutes on one CPU thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.data import corpus, wordpieces
from seq2bert.evaluation.language import batches, perplexities, windows
from seq2bert.experiments.ladder import WINDOW
from seq2bert.sequences import EOS_ID, KneserNeyModel, NGramModel

DATA = ("movie-reviews", "wikipedia")
ORDERS = (1, 2, 3, 4, 5, 6)
PARTS = (64, 16, 4, 1)  # the training text, divided by these


@dataclass(frozen=True)
class Settings:
    """How much of everything: a step in the list of documents, and the values of k that are tried."""

    every: int
    added: tuple[float, ...]


PROFILES = {
    "smoke": Settings(every=100, added=(1.0, 0.01)),
    "full": Settings(every=1, added=(1.0, 0.1, 0.01, 0.001, 0.0001)),
}


def part_seen(model: NGramModel, rows: list[list[int]]) -> float:
    """The part of the tokens of some rows whose n-gram, of the model's order, the training text has."""
    seen = total = 0
    for _, ids, mask in batches(rows):
        seen += int(model.seen(ids)[mask].sum())
        total += int(mask.sum())
    return seen / total


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Validation perplexity by order, for add-k with its best k and for Kneser-Ney; and by amount of text."""
    texts = corpus.documents("validation")[:: settings.every]
    words = sum(len(text.split()) for text in texts)
    train, held_out = (
        windows(wordpieces.encode(documents), WINDOW, EOS_ID)
        for documents in (corpus.documents("train")[:: settings.every], texts)
    )

    def perplexity(model: NGramModel) -> float:
        return perplexities(model, held_out, words)["perplexity"]

    metrics: dict[str, list[float]] = {"seen": [], "add_k": [], "best_k": [], "add_one": [], "kneser_ney": []}
    for order in ORDERS:
        counting = NGramModel(order, wordpieces.SIZE).fit(train)
        metrics["seen"].append(part_seen(counting, held_out))
        tried = {}
        for counting.k in settings.added:
            tried[counting.k] = perplexity(counting)
        best = min(tried, key=tried.__getitem__)
        metrics["best_k"].append(best)
        metrics["add_k"].append(tried[best])
        metrics["add_one"].append(tried[1.0])
        metrics["kneser_ney"].append(perplexity(KneserNeyModel(order, wordpieces.SIZE).fit(train)))
        print(f"order {order}: seen {metrics['seen'][-1]:.3f}, Kneser-Ney {metrics['kneser_ney'][-1]:.1f}", flush=True)
    for order in (2, 3, 5):
        metrics[f"by_text_{order}"] = [
            perplexity(KneserNeyModel(order, wordpieces.SIZE).fit(train[::divisor])) for divisor in PARTS
        ]
    return {
        "metrics": metrics,
        "axes": {
            "orders": list(ORDERS),
            "train_pieces": [sum(map(len, train[::divisor])) for divisor in PARTS],
            "held_out_pieces": sum(map(len, held_out)),
        },
    }
