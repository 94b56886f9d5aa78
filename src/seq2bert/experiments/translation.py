"""German captions into English with a fixed context: chapter 03's encoder-decoder on Multi30k, BLEU by length.

Budget of the full profile: at most 15 minutes a seed on one CPU thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.data import multi30k
from seq2bert.evaluation.translation import bleu, signature
from seq2bert.experiments.g2p import VALIDATION, seq2seq, train_model
from seq2bert.seq2seq import Seq2Seq, write
from seq2bert.sequences import Vocabulary

DATA = ("multi30k",)
BOUNDS = ((1, 8), (9, 11), (12, 14), (15, 18), (19, 99))  # German words and marks, from and to


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed; chapters 04 and 05 change the model and nothing else."""

    epochs: int
    train_pairs: int | None = None  # None = all
    test_pairs: int | None = None
    embedding_size: int = 128
    hidden_size: int = 256
    dropout: float = 0.3
    batch_size: int = 64
    learning_rate: float = 2e-3
    beam_size: int = 4


PROFILES = {
    "smoke": Settings(epochs=1, train_pairs=1_000, test_pairs=100, hidden_size=64),
    "full": Settings(epochs=6),
}


def recurrent_sizes(settings: Settings) -> dict[str, Any]:
    """What the recurrent models of this task have in common."""
    names = ("embedding_size", "hidden_size", "dropout")
    return {"cell": "gru"} | {name: getattr(settings, name) for name in names}


def translate(
    build: Callable[[int, int], Seq2Seq], settings: Settings, seed: int, checkpoint: Path, **how: Any
) -> tuple[dict[str, Any], Seq2Seq, Vocabulary, Vocabulary]:
    """Train a model on the training pairs and translate the test.

    Args:
        build: from the sizes of the two vocabularies, the model.
        settings: of the run.
        seed: of the run.
        checkpoint: where a killed run goes on from.
        how: a loss function or fields of TrainingConfig, for `train_model`.

    Returns:
        Metrics, axes and examples of a record; the model, and the two vocabularies.
    """
    model, german, english, history = train_model(
        multi30k.pairs("train")[: settings.train_pairs],
        build,
        settings,
        seed,
        checkpoint,
        multi30k.pairs("validation"),
        min_count=multi30k.MIN_COUNT,
        **how,
    )
    sources = [source for source, _ in multi30k.pairs("test")[: settings.test_pairs]]
    references = multi30k.lines("test", "en")[: settings.test_pairs]
    greedy = write(model, sources, german, english, multi30k.MAX_WORDS, batch_size=100)
    beam = write(model, sources, german, english, multi30k.MAX_WORDS, settings.beam_size, batch_size=100)
    rows = multi30k.by_length(sources, BOUNDS)
    outcome = {
        "metrics": {
            "bleu": bleu(beam, references),
            "greedy_bleu": bleu(greedy, references),
            "bleu_by_length": [bleu([beam[i] for i in few], [references[i] for i in few]) for few in rows],
            "validation_loss": [evaluation[VALIDATION] for evaluation in history.evaluations],
            "training_seconds": history.seconds,
        },
        "axes": {
            "bounds": [list(bounds) for bounds in BOUNDS],
            "sentences": [len(few) for few in rows],
            "vocabularies": [len(german), len(english)],
            "parameters": model.config.num_parameters(),
            "signature": signature(),
        },
        "examples": {" ".join(sources[i]): " ".join(beam[i]) for i in range(0, len(sources), len(sources) // 20)},
    }
    return outcome, model, german, english


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Chapter 03's model, its source read from the end."""
    return translate(seq2seq("base", **recurrent_sizes(settings)), settings, seed, folder / "training.pt")[0]
