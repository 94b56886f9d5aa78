"""Assignment 04's experiment: the words it uses, and the marks that a file of predictions earns.

The file was made by a learner's code: how it is read, `predictions` says; here its words have limits, too.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.task import CheckFailed
from seq2bert.data import g2p
from seq2bert.evaluation import pronunciation
from seq2bert.profile import choose

LENGTHS = ((3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14))  # letters
TRAIN_WORDS, HELD_OUT_WORDS = 15_000, 200  # held out: of each pair of lengths
MODELS = ("attention", "fixed")  # who said it: a model that looks back, and the same model that cannot
LONG = 11  # letters from which on a word counts as long
LARGEST_FILE = 1_000_000  # bytes; the experiment writes about eighty thousand

# PER on the held-out words, from `seq2bert run attention_assignment --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_PER = 0.167  # mean + 3 std of the model that looks back
TRIVIAL_PER = 0.39  # mean - 3 std of the model that cannot: less than that nobody has who does not look back
FULL_MARKS_GAIN = 0.289  # mean - 3 std of what looking back saves on long words


@cache
def _words() -> tuple[list[g2p.Entry], list[g2p.Entry]]:
    split = g2p.split()
    train = [entry for entry in split["train"] if LENGTHS[0][0] <= len(entry.word) <= LENGTHS[-1][-1]]
    held_out = [[entry for entry in split["test"] if len(entry.word) in lengths] for lengths in LENGTHS]
    return train[:TRAIN_WORDS], [entry for entries in held_out for entry in entries[:HELD_OUT_WORDS]]


def experiment_words() -> tuple[list[g2p.Entry], list[g2p.Entry]]:
    """Words of 3 to 14 letters to learn from, and held-out words, as many of each pair of lengths, short ones first.

    In the smoke profile there is a tenth of the words to learn from.
    """
    train, _ = _words()
    return train[: choose(full=TRAIN_WORDS, smoke=TRAIN_WORDS // 10)], held_out_words()


def held_out_words() -> list[g2p.Entry]:
    """The held-out words alone: a grader that has forked touches none of the training words' memory."""
    return _words()[1]


def _parse(content: bytes, name: str) -> dict[str, list[list[str]]]:
    """The phonemes that each of the learner's two models wrote for the held-out words, in their order.

    Raises:
        CheckFailed: it is not what the experiment writes, or leaves a word out.
    """
    said = handed_in.load(content, name)
    if not isinstance(said, dict) or any(not isinstance(said.get(model), dict) for model in MODELS):
        raise CheckFailed(f'{name} should hold two objects, {{"attention": ..., "fixed": ...}}, one for each model')
    return {model: phonemes_said(said[model], f"{name}, {model!r},") for model in MODELS}


def phonemes_said(said: Any, name: str) -> list[list[str]]:
    """The phonemes that one model wrote for the held-out words, in their order.

    Args:
        said: what was in the file, which should be an object: for each word its phonemes.
        name: what to call it in a message.

    Raises:
        CheckFailed: it is not that, or leaves a word out.
    """
    if not isinstance(said, dict) or not all(isinstance(phonemes, str) for phonemes in said.values()):
        raise CheckFailed(f'{name} should map each word to its phonemes, as in {{"cat": "K AE T"}}')
    words = [entry.word for entry in held_out_words()]
    missing = [word for word in words if word not in said]
    if missing:
        raise CheckFailed(f"{name} lacks {len(missing)} of the {len(words):,} held-out words, first {missing[0]!r}")
    phonemes = [said[word].split() for word in words]
    for word, written in zip(words, phonemes, strict=True):
        if len(written) > g2p.MAX_PHONEMES:
            raise CheckFailed(
                f"{name} has {len(written)} phonemes for {word!r}; the experiment stops at {g2p.MAX_PHONEMES}"
            )
    return phonemes


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the error rates that it earns."""
    per, gain = predicted_per(path), predicted_gain(path)
    print(f"{Path(path).name}: whole; PER {per:.3f}, full marks at {FULL_MARKS_PER:.3f} or less")
    print(f"looking back saves {gain:.3f} on long words, full marks at {FULL_MARKS_GAIN:.3f} or more")


def predicted_per(path: str | Path = "predictions.json") -> float:
    """PER of the model that looks back, computed anew from the dictionary."""
    return _rates(path)["attention"][0]


def predicted_gain(path: str | Path = "predictions.json") -> float:
    """By how much its PER is lower, on long words, than that of the model that cannot."""
    rates = _rates(path)
    return rates["fixed"][1] - rates["attention"][1]


def _rates(path: str | Path) -> dict[str, tuple[float, float]]:
    held_out_words()  # first: a grader does this once, then forks
    return _per(handed_in.content(Path(path), LARGEST_FILE), Path(path).name)


@lru_cache(1)  # the visible and the hidden test ask for the same
def _per(content: bytes, name: str) -> dict[str, tuple[float, float]]:
    """Of each model its PER on all words and on the long ones."""
    entries = held_out_words()
    long = next(place for place, entry in enumerate(entries) if len(entry.word) >= LONG)  # all that follow are, too
    ways = [entry.pronunciations for entry in entries]
    return {
        model: (pronunciation.error_rates(said, ways).per, pronunciation.error_rates(said[long:], ways[long:]).per)
        for model, said in _parse(content, name).items()
    }


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks for the PER of the model that looks back: all within three standard deviations of the reference,
    two thirds up to half-way to the model that cannot look back, one third for anything clearly better than that one.

    >>> band(FULL_MARKS_PER, 12), band(TRIVIAL_PER, 12)
    (12, 0)
    """
    return band(predicted_per(path), points)


def gain_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks for what looking back saves on long words: the same bands, down to a gain of 0.

    >>> gain_band(FULL_MARKS_GAIN, 12), gain_band(0.0, 12)
    (12, 0)
    """
    return gain_band(predicted_gain(path), points)


def band(per: float, points: float) -> float:
    """The marks that a phoneme error rate earns of `points`."""
    return handed_in.band(per, points, full=FULL_MARKS_PER, trivial=TRIVIAL_PER)


def gain_band(gain: float, points: float) -> float:
    """The marks that a gain earns of `points`."""
    return handed_in.band(gain, points, full=FULL_MARKS_GAIN, trivial=0.0)
