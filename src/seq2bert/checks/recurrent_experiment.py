"""Assignment 02's experiment: the marks that a file of predictions earns.

The file was made by a learner's code: how it is read, `predictions` says; here its numbers have limits, too.
"""

from pathlib import Path

import torch

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.task import CheckFailed, number
from seq2bert.data import adding

LARGEST_FILE = 100_000  # bytes; the experiment writes about twenty thousand
FARTHEST = 1e6  # from 0 that an answer may lie

# Mean squared error on the held-out sequences, from
# `seq2bert run recurrent_assignment --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_MSE = 0.002  # mean + 3 std of the five seeds
TRIVIAL_MSE = 0.149  # nine tenths of what always answering 1 comes to: less than that is learnt, not luck


def _parse(content: bytes, name: str) -> list[float]:
    """The learner's answers to the held-out sequences, in their order.

    Raises:
        CheckFailed: it is not what the experiment writes.
    """
    answers = handed_in.load(content, name)
    if not isinstance(answers, list) or any(number(answer) is None for answer in answers):
        raise CheckFailed(f"{name} should be a list of numbers, one for each held-out sequence, as in [0.93, 1.21]")
    if len(answers) != adding.HELD_OUT:
        raise CheckFailed(f"{name} has {len(answers):,} answers; there are {adding.HELD_OUT:,} held-out sequences")
    answers = [number(answer) for answer in answers]
    for place, answer in enumerate(answers):
        if not abs(answer) <= FARTHEST:
            raise CheckFailed(f"{name} answers {answer:g} to sequence {place}; a sum lies between 0 and 2")
    return answers


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the error that it earns."""
    mse = predicted_mse(path)
    print(f"{Path(path).name}: whole; mean squared error {mse:.4f}, full marks at {FULL_MARKS_MSE:.4f} or less")


def predicted_mse(path: str | Path = "predictions.json") -> float:
    """Mean squared error of the predictions, against sums that are drawn anew."""
    _, sums = adding.held_out()
    path = Path(path)
    answers = torch.tensor(_parse(handed_in.content(path, LARGEST_FILE), path.name), dtype=torch.float64)
    return (answers - sums).square().mean().item()


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks: all within three standard deviations of the reference, two thirds up to half-way to the trivial
    baseline, one third for anything better than that baseline.

    >>> band(FULL_MARKS_MSE, 12), band(TRIVIAL_MSE, 12)
    (12, 0)
    """
    return band(predicted_mse(path), points)


def band(mse: float, points: float) -> float:
    """The marks that a mean squared error earns of `points`."""
    return handed_in.band(mse, points, full=FULL_MARKS_MSE, trivial=TRIVIAL_MSE)
