"""Phoneme and word error rate where a word may be said in several right ways.

The edit distance comes from rapidfuzz, on which jiwer itself is built; what no library has is the choice of the
nearest of several references (the convention of the CMUdict results, e.g. Yao and Zweig, 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True)
class ErrorRates:
    """Parts of 1. `per` counts phonemes to mend per phoneme of reference, `wer` words that are not wholly right."""

    per: float
    wer: float


def nearest(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Edits to the nearest reference, and that reference's length; on a tie the longer reference.

    >>> nearest("K AE T S".split(), ["K AE T".split(), "K AA R T".split()])
    (1, 3)
    """
    if not references:
        raise ValueError("references must hold at least one pronunciation")
    edits, length = min((Levenshtein.distance(hypothesis, reference), -len(reference)) for reference in references)
    return edits, -length


def error_rates(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> ErrorRates:
    """PER and WER of a list of words against the best of each word's pronunciations.

    PER = sum of edits / sum of lengths of the nearest references; WER = words with any edit / words.

    Args:
        hypotheses: one list of phonemes per word.
        references: for each word, the list of its pronunciations.

    Raises:
        ValueError: the two lists differ in length, are empty, or a word has no pronunciation.

    >>> error_rates([["K", "AE", "T"], ["D", "AO"]], [[["K", "AE", "T"]], [["D", "AO", "G"], ["D", "AA", "G"]]])
    ErrorRates(per=0.16666666666666666, wer=0.5)
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(
            f"need as many hypotheses as references, at least one; got {len(hypotheses)}, {len(references)}"
        )
    edits = [nearest(hypothesis, ways) for hypothesis, ways in zip(hypotheses, references, strict=True)]
    return ErrorRates(
        per=sum(distance for distance, _ in edits) / sum(length for _, length in edits),
        wer=sum(distance > 0 for distance, _ in edits) / len(edits),
    )
