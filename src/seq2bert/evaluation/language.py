"""The two measuring sticks of every language model: how much held-out text surprises it, and what grammar it knows.

A model is anything with `log_probs`: given token ids (B, T) without a beginning token, it returns (B, T), the
log-probability in nats of each token given those before it in its row. Rows are padded at their end, which a model that
reads from left to right cannot see.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor
from tqdm.auto import tqdm

from seq2bert.data.blimp import MinimalPair

CELLS = 16_384  # of a batch's rectangle
FULL_STOP = "."


class LanguageModel(Protocol):
    """What the ladder asks of a model."""

    def log_probs(self, ids: Tensor) -> Tensor:
        """(B, T) ids to (B, T) log-probabilities in nats, on the CPU or where the model is."""


def batches(rows: Sequence[Sequence[int]], cells: int = CELLS) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Rows of nearly the same length as rectangles of at most `cells` cells.

    Yields:
        Row numbers (B,), their ids (B, T) padded with 0, and the mask (B, T), True = real.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * len(rows[order[end]]) <= cells:
            end += 1
        numbers = order[start:end]
        lengths = torch.tensor([len(rows[i]) for i in numbers])  # (B,)
        mask = torch.arange(int(lengths.max())) < lengths[:, None]  # (B, T)
        ids = torch.zeros(mask.shape, dtype=torch.long)  # (B, T)
        ids[mask] = torch.tensor([token for i in numbers for token in rows[i]])
        yield numbers, ids, mask
        start = end


@torch.no_grad()
def log_likelihoods(model: LanguageModel, rows: Sequence[Sequence[int]], given: int = 0, progress: str = "") -> Tensor:
    """Log-probability of each row, in nats.

    Args:
        model: the language model.
        rows: N rows of ids, none of them empty.
        given: how many tokens at the beginning of each row are there to be read, and are not scored.
        progress: what to write beside a progress bar; none without it.

    Returns:
        (N,), double.
    """
    found = torch.zeros(len(rows), dtype=torch.double)
    with tqdm(total=len(rows), desc=progress, disable=not progress, leave=False, file=sys.stdout) as bar:
        for numbers, ids, mask in batches(rows):
            scores = model.log_probs(ids).cpu().double()  # (B, T)
            mask[:, :given] = False
            found[numbers] = scores.masked_fill(~mask, 0.0).sum(-1)
            bar.update(len(numbers))
    return found


def windows(documents: Iterable[Sequence[int]], size: int, end: int) -> list[list[int]]:
    """Documents, each ended by a token, cut into rows of at most `size` tokens: what models train on and are scored on.

    >>> windows([[5, 6, 7], [8]], size=2, end=2)
    [[5, 6], [7, 2], [8, 2]]
    """
    rows = []
    for document in documents:
        ended = [*document, end]
        rows += [ended[i : i + size] for i in range(0, len(ended), size)]
    return rows


def perplexities(model: LanguageModel, rows: Sequence[Sequence[int]], words: int, progress: str = "") -> dict:
    """Perplexity per token and per word: exp of the surprise of the whole text by the number of either.

    The second can be compared between models with different tokens.
    """
    surprise = -log_likelihoods(model, rows, progress=progress).sum().item()
    return {"perplexity": math.exp(surprise / sum(map(len, rows))), "word_perplexity": math.exp(surprise / words)}


def minimal_pairs(
    model: LanguageModel, pairs: Sequence[MinimalPair], good: Sequence[list[int]], bad: Sequence[list[int]]
) -> dict[str, float]:
    """Accuracy by paradigm: how often the good sentence is the more probable one. A tie counts as wrong.

    Args:
        model: the language model.
        pairs: what the sentences are.
        good, bad: their ids, after a full stop: a sentence is scored as one that follows another.

    Returns:
        {paradigm: part of 1}.
    """
    right = log_likelihoods(model, good, given=1, progress="good") > log_likelihoods(
        model, bad, given=1, progress="bad"
    )
    found: dict[str, list[bool]] = {}
    for pair, better in zip(pairs, right.tolist(), strict=True):
        found.setdefault(pair.paradigm, []).append(better)
    return {paradigm: sum(answers) / len(answers) for paradigm, answers in found.items()}
