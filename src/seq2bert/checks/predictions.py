"""Files of predictions: how they are read, and the marks that the number computed from one earns.

Such a file was made by a learner's code, so it is read with care: its size and its nesting have limits, and whatever is
wrong with it is said in a sentence. What it must hold, each experiment knows itself.
"""

import json
from pathlib import Path
from typing import Any

from seq2bert.checks.task import CheckFailed


def content(path: Path, largest: int) -> bytes:
    """The bytes of a file of predictions.

    Args:
        path: where the learner's experiment left it.
        largest: how many bytes it may have.

    Raises:
        CheckFailed: there is no such file, or it is too large.
    """
    if not path.is_file():
        raise CheckFailed(
            f"{path.name} is not beside the notebook: run the experiment's cell, and hand in its file too"
        )
    with path.open("rb") as file:
        read = file.read(largest + 1)
    if len(read) > largest:
        raise CheckFailed(f"{path.name} is larger than {largest:,} bytes: run the experiment's cell again")
    return read


def load(content: bytes, name: str) -> Any:
    """What the JSON of a file of that name says.

    Raises:
        CheckFailed: it is not JSON in UTF-8, it is nested too deep, or an object says something twice.

    >>> load(b'{"cat": "K AE T"}', "predictions.json")
    {'cat': 'K AE T'}
    """
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=unequivocal)
    except (ValueError, RecursionError) as error:
        raise CheckFailed(f"{name} is not JSON ({error}): run the experiment's cell again") from error


def unequivocal(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the file, if it says everything once; json's own would keep the last of two.

    Raises:
        ValueError: a name stands twice.
    """
    said = dict(pairs)
    if len(said) < len(pairs):
        raise ValueError("a word stands twice")
    return said


def band(value: float, points: float, full: float, trivial: float) -> float:
    """Banded marks for a measured number, be it one that should be high or one that should be low.

    All from `full` on; two thirds from half-way between the two on; one third for anything better than `trivial`.

    Args:
        value: what the predictions came to.
        points: what the experiment is worth.
        full: the number that earns all of it: three standard deviations short of the mean of the recorded seeds.
        trivial: the number that a baseline reaches which has learnt nothing; it earns nothing.

    >>> [band(accuracy, 9, full=0.8, trivial=0.5) for accuracy in (0.9, 0.7, 0.6, 0.5)]
    [9, 6.0, 3.0, 0]
    >>> [band(error, 9, full=0.2, trivial=0.5) for error in (0.1, 0.3, 0.4, 0.5)]
    [9, 6.0, 3.0, 0]
    """
    if full < trivial:  # an error rate
        value, full, trivial = -value, -full, -trivial
    if value >= full:
        return points
    if value >= (full + trivial) / 2:
        return round(points * 2 / 3, 1)
    return round(points / 3, 1) if value > trivial else 0
