"""Assignment 06's experiment: the text and the pairs of words that it uses, and the marks that predictions earn.

What people say of the pairs is WordSim-353. The file of predictions was made by a learner's code: how it is read,
`predictions` says.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from seq2bert.checks import predictions as handed_in
from seq2bert.checks.task import CheckFailed
from seq2bert.data import similarity, words
from seq2bert.profile import choose

MIN_COUNT = 20  # a word has a vector if it comes up so often
# Words of WordSim-353 that come up less often in the text of the experiment; a test counts them.
RARE = """
accommodation aluminum announcement antecedent arafat artifact astronomer automobile benchmark brandy butter cabbage
calculation carnivore chord cock cognition computation constellation crane cucumber deployment deposit dividend
drought ecology fauna feline fertility fingerprint forecast freud fuck furnace gin harvard hike hypertension
impartiality implement index inmate investor jaguar jerusalem kilometer laundering liability lobster madhouse mammal
manslaughter memorabilia midday motto opec potato precedent prominence psychiatry quarrel rabbi racket recess
registration reservation rook rooster seafood seepage sprint stove tableware thunderstorm valor virtuoso vodka
wednesday withdrawal woodland yale yen
"""
LARGEST_FILE = 1_000_000  # bytes; the experiment writes about ten thousand

# Spearman's rank correlation, from `seq2bert run word2vec_assignment --profile full --seeds 0 1 2 3 4`.
FULL_MARKS_RHO = 0.224  # mean - 3 std
TRIVIAL_RHO = 0.199  # 3 std of vectors of chance


def experiment_lines() -> tuple[list[str], ...]:
    """The words of each line of the corpus that the vectors are learnt from; in the smoke profile, of a small part."""
    return words.lines(choose(full="train", smoke="validation"))


@cache
def rated_pairs() -> tuple[similarity.RatedPair, ...]:
    """The pairs of WordSim-353 whose words come up often enough, and what people say of them: 0 to 10.

    One is left out because it is no pair: tiger and tiger.
    """
    rare = set(RARE.split())
    pairs = similarity.rated_pairs("wordsim353")
    return tuple(pair for pair in pairs if pair[0] != pair[1] and rare.isdisjoint(pair[:2]))


def predictions(path: str | Path = "predictions.json") -> None:
    """Is the predictions file whole? Prints the correlation that it earns."""
    correlation = predicted_correlation(path)
    print(f"{Path(path).name}: whole; rank correlation {correlation:.3f}, full marks at {FULL_MARKS_RHO:.3f} or more")


def predicted_correlation(path: str | Path = "predictions.json") -> float:
    """Spearman's correlation of the predictions with what people say; 0 if all predictions are the same."""
    rated_pairs()  # first: a grader does this once, then forks
    return _correlation(handed_in.content(Path(path), LARGEST_FILE), Path(path).name)


@lru_cache(1)  # the visible and the hidden test ask for the same
def _correlation(content: bytes, name: str) -> float:
    said = _parse(content, name)
    if len(set(said)) == 1:
        return 0.0
    return float(spearmanr(said, [rating for *_, rating in rated_pairs()]).statistic)


def _parse(content: bytes, name: str) -> list[float]:
    """The cosine that was predicted for each pair, in their order.

    Raises:
        CheckFailed: it is not what the experiment writes, or leaves a pair out.
    """
    said = handed_in.load(content, name)
    if not isinstance(said, dict) or not all(map(_is_cosine, said.values())):
        raise CheckFailed(f'{name} should map each pair of words to a cosine, -1 to 1, as in {{"cat tiger": 0.5}}')
    pairs = [f"{first} {second}" for first, second, _ in rated_pairs()]
    missing = [pair for pair in pairs if pair not in said]
    if missing:
        raise CheckFailed(f"{name} lacks {len(missing)} of the {len(pairs)} pairs, first {missing[0]!r}")
    return [said[pair] for pair in pairs]


def _is_cosine(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= 1.001  # as far as rounding goes; nan is not


def experiment_points(points: float, path: str | Path = "predictions.json") -> float:
    """Banded marks: all within three standard deviations of the reference, two thirds from half-way between vectors of
    chance and these, one third for anything clearly better than chance.

    >>> band(FULL_MARKS_RHO, 9), band(TRIVIAL_RHO, 9)
    (9, 0)
    """
    return band(predicted_correlation(path), points)


def band(correlation: float, points: float) -> float:
    """The marks that a rank correlation earns of `points`."""
    return handed_in.band(correlation, points, full=FULL_MARKS_RHO, trivial=TRIVIAL_RHO)
