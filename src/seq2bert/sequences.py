"""Sequences as tensors: vocabulary, padding, masks and batches.

A model reads numbers, and a batch is a rectangle. This module is the road from sequences of tokens of any kind
(letters, words, phonemes) and any length to `(B, S)` tensors of ids, and the mask that says which cells are real.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

PAD, BOS, EOS, UNK = "<pad>", "<bos>", "<eos>", "<unk>"
SPECIALS = (PAD, BOS, EOS, UNK)
PAD_ID, BOS_ID, EOS_ID, UNK_ID = range(4)


@dataclass(frozen=True)
class Vocabulary:
    """A two-way table between tokens and ids. The four specials always hold ids 0 to 3.

    Args:
        tokens: the tokens in the order of their ids, beginning with `SPECIALS`.

    Raises:
        ValueError: the specials are not first, or a token stands twice.

    >>> letters = Vocabulary.build(["abba", "cab"])
    >>> letters.encode("cabx")
    [6, 4, 5, 3]
    """

    tokens: tuple[str, ...]
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        if tuple(self.tokens[:4]) != SPECIALS:
            raise ValueError(f"tokens must begin with {SPECIALS}, got {tuple(self.tokens[:4])}")
        object.__setattr__(self, "ids", {token: i for i, token in enumerate(self.tokens)})
        if len(self.ids) != len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ValueError(f"token {twice!r} stands twice in tokens")

    @classmethod
    def build(cls, sequences: Iterable[Iterable[str]], min_count: int = 1) -> "Vocabulary":
        """The tokens seen at least `min_count` times, in alphabetical order so that two builds agree."""
        counts = Counter(token for sequence in sequences for token in sequence)
        kept = sorted(token for token, count in counts.items() if count >= min_count and token not in SPECIALS)
        return cls((*SPECIALS, *kept))

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, sequence: Iterable[str], add_bos: bool = False, add_eos: bool = False) -> list[int]:
        """Ids of the tokens; a token that was never seen becomes `<unk>`."""
        ids = [self.ids.get(token, UNK_ID) for token in sequence]
        return [BOS_ID] * add_bos + ids + [EOS_ID] * add_eos

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Tokens up to the first `<eos>`, without `<bos>` and `<pad>`."""
        tokens = []
        for i in ids:
            if i == EOS_ID:
                break
            if i not in (BOS_ID, PAD_ID):
                tokens.append(self.tokens[i])
        return tokens


def pad(sequences: Sequence[Sequence[int]], pad_id: int = PAD_ID) -> tuple[Tensor, Tensor]:
    """Make a rectangle: write the sequences into rows, and fill each row's end with `pad_id`.

    Args:
        sequences: B lists of ids, none of them empty.
        pad_id: what fills the cells that no sequence reaches.

    Returns:
        ids (B, S), int64, where S is the longest length; lengths (B,), int64.

    Raises:
        ValueError: there are no sequences, or one of them is empty.

    >>> pad([[5, 6, 7], [8]])[0].tolist()
    [[5, 6, 7], [8, 0, 0]]
    """
    lengths = [len(sequence) for sequence in sequences]
    if not lengths or min(lengths) == 0:
        where = f"sequence {lengths.index(0)} is empty" if lengths else "there are no sequences"
        raise ValueError(f"pad needs sequences of at least one id, but {where}")
    ids = torch.full((len(lengths), max(lengths)), pad_id)  # (B, S)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
    return ids, torch.tensor(lengths)


def padding_mask(lengths: Tensor, size: int | None = None) -> Tensor:
    """Which cells of the rectangle are real: True inside a sequence, False on its padding.

    Args:
        lengths: (B,), how many cells of each row are real.
        size: S, the width of the rectangle; the longest length if not given.

    Returns:
        bool (B, S).

    >>> padding_mask(torch.tensor([3, 1])).tolist()
    [[True, True, True], [True, False, False]]
    """
    size = int(lengths.max()) if size is None else size
    positions = torch.arange(size, device=lengths.device)  # (S,)
    return positions < lengths[:, None]  # (B, S)


def batch_indices(lengths: Sequence[int], batch_size: int, generator: torch.Generator) -> Iterator[list[int]]:
    """Shuffled batches of rows that have nearly the same length, so that little of each rectangle is padding.

    Rows are shuffled, cut into pools of 100 batches, sorted by length within a pool, cut into batches, and the
    batches are shuffled again: every epoch is another order, and no batch is wider than it has to be.

    Args:
        lengths: length of every row of the data set, in tokens.
        batch_size: rows per batch; the last batch may be smaller.
        generator: the source of the order. The same state gives the same batches.

    Yields:
        Lists of row numbers; together they hold every row once.

    Raises:
        ValueError: batch_size is below 1; raised when the first batch is asked for.

    >>> sorted(sum(batch_indices([1, 9, 2, 8, 1], 2, torch.Generator().manual_seed(0)), []))
    [0, 1, 2, 3, 4]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    order = torch.randperm(len(lengths), generator=generator).tolist()
    pool_size = 100 * batch_size
    batches = []
    for start in range(0, len(order), pool_size):
        pool = sorted(order[start : start + pool_size], key=lengths.__getitem__)
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for i in torch.randperm(len(batches), generator=generator).tolist():
        yield batches[i]
