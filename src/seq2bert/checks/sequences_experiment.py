"""Assignment 01's experiment: the sentences it uses, and the marks that a file of choices earns.

The file was made by a learner's code: how it is read, `predictions` says; here it must hold one choice for each pair.
"""

from functools import cache, lru_cache
from pathlib import Path

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.task import CheckFailed
from seq2bert.data import sentences
from seq2bert.profile import choose

TRAIN_SENTENCES = 6_000
CHOICES = ("first", "second")
LARGEST_FILE = 100_000  # bytes; the experiment writes about ten thousand

# Accuracy on the pairs, from `seq2bert run sequences_assignment --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_ACCURACY = 0.856  # mean - 3 std of the five seeds
TRIVIAL_ACCURACY = 0.547  # a coin gets 0.5, and this is three standard deviations of 1,000 tosses more


def experiment_sentences(seed: int = 0) -> tuple[list[list[str]], list[list[str]]]:
    """Training sentences, drawn by the seed, and validation sentences; a tenth of the training in the smoke profile."""
    parts = sentences.split()
    count = choose(full=TRAIN_SENTENCES, smoke=TRAIN_SENTENCES // 10)
    train = sentences.shuffled(parts["train"], seed)[:count]
    return [list(sentence) for sentence in train], [list(sentence) for sentence in parts["validation"]]


@cache
def experiment_pairs() -> tuple[sentences.Pair, ...]:
    """The thousand held-out sentences beside their copies."""
    return tuple(sentences.pairs(sentences.split()["test"], seed=1))  # another draw than the split's


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the accuracy that it reaches."""
    accuracy = predicted_accuracy(path)
    print(f"{Path(path).name}: whole; accuracy {accuracy:.3f}, full marks at {FULL_MARKS_ACCURACY:.3f} or more")


def predicted_accuracy(path: str | Path = "predictions.json") -> float:
    """The part of the pairs for which the predictions name the sentence that was written."""
    written = tuple(pair.written for pair in experiment_pairs())  # first: a grader does this once, then forks
    return _accuracy(handed_in.content(Path(path), LARGEST_FILE), Path(path).name, written)


@lru_cache(1)  # the visible and the hidden test ask for the same
def _accuracy(content: bytes, name: str, written: tuple[str, ...]) -> float:
    chosen = _parse(content, name)
    return sum(mine == right for mine, right in zip(chosen, written, strict=True)) / len(written)


def _parse(content: bytes, name: str) -> list[str]:
    """The learner's choices, in the order of the pairs.

    Raises:
        CheckFailed: it is not what the experiment writes.
    """
    chosen, pairs = handed_in.load(content, name), len(experiment_pairs())
    if not isinstance(chosen, list):
        raise CheckFailed(f'{name} should be a list of choices, as in ["first", "second", "second"]')
    if len(chosen) != pairs:
        raise CheckFailed(f"{name} should have a choice for each of the {pairs:,} pairs, has {len(chosen):,}")
    for place, choice in enumerate(chosen):
        if choice not in CHOICES:
            raise CheckFailed(f'{name} should say "first" or "second"; at [{place}] it says something else')
    return chosen


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks: all within three standard deviations of the reference, two thirds from half-way to the coin on,
    one third for anything better than a coin.

    >>> band(FULL_MARKS_ACCURACY, 7), band(0.5, 7)
    (7, 0)
    """
    return band(predicted_accuracy(path), points)


def band(accuracy: float, points: float) -> float:
    """The marks that an accuracy earns of `points`."""
    return handed_in.band(accuracy, points, full=FULL_MARKS_ACCURACY, trivial=TRIVIAL_ACCURACY)
