"""Assignment 08's experiment: the sentences it uses, and the marks that a file of predictions earns.

The file was made by a learner's code: how it is read, `predictions` says; here its answers have a number, too.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.task import CheckFailed
from seq2bert.data import sentiment
from seq2bert.profile import choose

TRAIN_SENTENCES = 1_000
MODELS = ("fine_tuned", "from_scratch")  # who judged: the model that had read before, and one that had not
LARGEST_FILE = 100_000  # bytes; the experiment writes about ten thousand

# Accuracy on the test sentences, from `seq2bert run gpt_assignment --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_ACCURACY = 0.69  # fine_tuned_accuracy: mean - 3 std
FROM_SCRATCH_ACCURACY = 0.647  # from_scratch_accuracy: mean of the same model that had read nothing before
TRIVIAL_ACCURACY = 0.55  # four standard deviations of a coin's luck above one half


def experiment_sentences() -> tuple[tuple[sentiment.Opinion, ...], tuple[sentiment.Opinion, ...]]:
    """1,000 sentences to learn from, in the smoke profile a tenth of them, and the test sentences."""
    count = choose(full=TRAIN_SENTENCES, smoke=TRAIN_SENTENCES // 10)
    return sentiment.split()["train"][:count], held_out_sentences()


def held_out_sentences() -> tuple[sentiment.Opinion, ...]:
    """The test sentences."""
    return sentiment.split()["test"]


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the accuracies that it earns."""
    fine_tuned, scratch = (predicted_accuracies(path)[model] for model in MODELS)
    print(f"{Path(path).name}: whole; accuracy {fine_tuned:.3f}, full marks at {FULL_MARKS_ACCURACY:.3f} or more")
    print(f"the same model without what it had read before: {scratch:.3f}")


def predicted_accuracies(path: str | Path = "predictions.json") -> dict[str, float]:
    """Of each of the two models the part of the test sentences that it judged rightly."""
    held_out_sentences()  # first: a grader does this once, then forks
    return _accuracies(handed_in.content(Path(path), LARGEST_FILE), Path(path).name)


@lru_cache(1)  # the visible and the hidden test ask for the same
def _accuracies(content: bytes, name: str) -> dict[str, float]:
    labels = [opinion.label for opinion in held_out_sentences()]
    said = _parse(handed_in.load(content, name), name)
    return {
        model: sum(a == b for a, b in zip(judged, labels, strict=True)) / len(labels) for model, judged in said.items()
    }


def _parse(said: Any, name: str) -> dict[str, list[int]]:
    """What each of the two models says of the test sentences, in their order.

    Raises:
        CheckFailed: it is not what the experiment writes.
    """
    if not isinstance(said, dict) or any(not isinstance(said.get(model), list) for model in MODELS):
        wanted = ", ".join(f'"{model}": [...]' for model in MODELS)
        raise CheckFailed(f"{name} should hold two lists, {{{wanted}}}, one for each model")
    sentences = len(held_out_sentences())
    for model in MODELS:
        if len(said[model]) != sentences:
            raise CheckFailed(f"{name}, {model!r}, has {len(said[model]):,} labels for {sentences:,} test sentences")
        if any(type(label) is not int or label not in (0, 1) for label in said[model]):
            raise CheckFailed(f"{name}, {model!r}, should hold labels, each 0 or 1")
    return {model: said[model] for model in MODELS}


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks for the fine-tuned model: all within three standard deviations of the reference, two thirds down to
    half-way to what luck could bring, one third for anything better than luck.

    >>> band(FULL_MARKS_ACCURACY, 9), band(TRIVIAL_ACCURACY, 9)
    (9, 0)
    """
    return band(predicted_accuracies(path)["fine_tuned"], points)


def band(accuracy: float, points: float) -> float:
    """The marks that an accuracy earns of `points`."""
    return handed_in.band(accuracy, points, full=FULL_MARKS_ACCURACY, trivial=TRIVIAL_ACCURACY)
