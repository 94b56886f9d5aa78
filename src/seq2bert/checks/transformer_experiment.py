"""Assignment 05's experiment: the marks that a file of predictions earns.

The words are those of assignment 04's experiment, to learn from and to say, so that its error rates and this one's can
be compared. The file was made by a learner's code: how it is read, `predictions` says.
"""

from functools import lru_cache
from pathlib import Path

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.attention_experiment import experiment_words, held_out_words, phonemes_said
from seq2bert.evaluation import pronunciation

__all__ = [
    "LOOKING_BACK_PER",
    "band",
    "experiment_points",
    "experiment_words",
    "held_out_words",
    "predicted_per",
    "predictions",
]

LARGEST_FILE = 1_000_000  # bytes; the experiment writes about forty thousand

# PER on the held-out words, from `seq2bert run NAME --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_PER = 0.165  # transformer_assignment: mean + 3 std
LOOKING_BACK_PER = 0.155  # attention_assignment: mean of the model that looks back, the one to beat
TRIVIAL_PER = 0.39  # attention_assignment: mean - 3 std of the model that cannot look back


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the error rate that it earns, beside the one to beat."""
    per = predicted_per(path)
    print(f"{Path(path).name}: whole; PER {per:.3f}, full marks at {FULL_MARKS_PER:.3f} or less")
    print(f"the model of assignment 04 that looks back: {LOOKING_BACK_PER:.3f}")


def predicted_per(path: str | Path = "predictions.json") -> float:
    """PER of the predictions, computed anew from the dictionary."""
    held_out_words()  # first: a grader does this once, then forks
    return _per(handed_in.content(Path(path), LARGEST_FILE), Path(path).name)


@lru_cache(1)  # the visible and the hidden test ask for the same
def _per(content: bytes, name: str) -> float:
    said = phonemes_said(handed_in.load(content, name), name)
    return pronunciation.error_rates(said, [entry.pronunciations for entry in held_out_words()]).per


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks: all within three standard deviations of the reference, whose five seeds all beat the look back of
    assignment 04; two thirds up to half-way to a model that cannot look back; one third for anything clearly better
    than that one.

    >>> band(FULL_MARKS_PER, 18), band(TRIVIAL_PER, 18)
    (18, 0)
    """
    return band(predicted_per(path), points)


def band(per: float, points: float) -> float:
    """The marks that a phoneme error rate earns of `points`."""
    return handed_in.band(per, points, full=FULL_MARKS_PER, trivial=TRIVIAL_PER)
