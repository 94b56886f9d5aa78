"""Assignment 04's model that looks back, trained for about as long as assignment 05's Transformer.

Words, model and seeds are those of `attention_assignment`; it goes over the words three times as often. Budget: 60 s a
seed on one CPU core.
"""

from pathlib import Path
from typing import Any

from seq2bert.experiments import attention_assignment
from seq2bert.experiments.attention_assignment import SCORES, Settings, train_and_say

DATA = attention_assignment.DATA
PROFILES = {"smoke": Settings(train_words=1_500, epochs=1), "full": Settings(train_words=15_000, epochs=12)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """PER and accuracy on all words, on the long ones, and by word length."""
    metrics, axes = train_and_say(SCORES["attention"], settings, seed, folder / "training.pt")
    return {"metrics": metrics, "axes": axes}
