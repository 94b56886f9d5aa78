"""Assignment 03's experiment: the words it uses, and the marks that a file of predictions earns.

The file was made by a learner's code: how it is read, `predictions` says; here its words have limits, too.
"""

from functools import cache, lru_cache
from pathlib import Path

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.task import CheckFailed
from seq2bert.data import g2p
from seq2bert.evaluation import pronunciation
from seq2bert.profile import choose

LONGEST_WORD = 8  # letters
TRAIN_WORDS, HELD_OUT_WORDS = 20_000, 1_000
LARGEST_FILE = 1_000_000  # bytes; the experiment writes about thirty thousand

# PER on the held-out words, from `seq2bert run seq2seq_assignment --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_PER = 0.17  # mean + 3 std of the five seeds
TRIVIAL_PER = 0.5037  # every letter says its favourite phoneme


@cache
def _short_words() -> tuple[list[g2p.Entry], list[g2p.Entry]]:
    train, held_out = (
        [entry for entry in g2p.split()[part] if len(entry.word) <= LONGEST_WORD] for part in ("train", "validation")
    )
    return train, held_out[:HELD_OUT_WORDS]


def experiment_words() -> tuple[list[g2p.Entry], list[g2p.Entry]]:
    """Training and held-out words of at most eight letters; a tenth of the training words in the smoke profile."""
    train, _ = _short_words()
    return train[: choose(full=TRAIN_WORDS, smoke=TRAIN_WORDS // 10)], held_out_words()


def held_out_words() -> list[g2p.Entry]:
    """The held-out words alone: a grader that has forked touches none of the training words' memory."""
    return _short_words()[1]


def _parse(content: bytes, name: str) -> list[list[str]]:
    """The phonemes that the learner's model wrote for the held-out words, in their order.

    Raises:
        CheckFailed: it is not what the experiment writes, or leaves a word out.
    """
    said = handed_in.load(content, name)
    if not isinstance(said, dict) or not all(isinstance(phonemes, str) for phonemes in said.values()):
        raise CheckFailed(f'{name} should map each word to its phonemes, as in {{"cat": "K AE T"}}')
    words = [entry.word for entry in held_out_words()]
    missing = [word for word in words if word not in said]
    if missing:
        raise CheckFailed(f"{name} lacks {len(missing)} of the {len(words)} held-out words, first {missing[0]!r}")
    phonemes = [said[word].split() for word in words]
    for word, written in zip(words, phonemes, strict=True):
        if len(written) > g2p.MAX_PHONEMES:
            raise CheckFailed(
                f"{name} has {len(written)} phonemes for {word!r}; the experiment stops at {g2p.MAX_PHONEMES}"
            )
    return phonemes


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the error rates that it earns."""
    per = predicted_per(path)
    print(f"{Path(path).name}: whole; PER {per:.3f}, full marks at {FULL_MARKS_PER:.3f} or less")


def predicted_per(path: str | Path = "predictions.json") -> float:
    """PER of the predictions, computed anew from the dictionary."""
    held_out_words()  # first: a grader does this once, then forks
    return _per(handed_in.content(Path(path), LARGEST_FILE), Path(path).name)


@lru_cache(1)  # the visible and the hidden test ask for the same
def _per(content: bytes, name: str) -> float:
    ways = [entry.pronunciations for entry in held_out_words()]
    return pronunciation.error_rates(_parse(content, name), ways).per


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks: all within three standard deviations of the reference, two thirds up to half-way to the trivial
    baseline, one third for anything better than that baseline.

    >>> band(FULL_MARKS_PER, 12), band(TRIVIAL_PER, 12)
    (12, 0)
    """
    return band(predicted_per(path), points)


def band(per: float, points: float) -> float:
    """The marks that a phoneme error rate earns of `points`."""
    return handed_in.band(per, points, full=FULL_MARKS_PER, trivial=TRIVIAL_PER)
