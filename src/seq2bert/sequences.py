"""Sequences as tensors, and the language models that only count.

A model reads numbers, and a batch is a rectangle. The first half of this module is the road from sequences of tokens of
any kind (letters, words, phonemes) and any length to `(B, S)` tensors of ids, and the mask that says which cells are
real. The second half gives every sequence a probability, p(w_1 ... w_T) = prod_t p(w_t | w_<t), by counting how often
its n-grams were seen.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

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


# Language models that count -------------------------------------------------------------------------------------------


class NGramModel:
    """p(token | the order - 1 tokens before it), from how often each n-gram was seen; add-k smoothing.

    p(w | h) = (c(h w) + k) / (c(h) + k V), Lidstone's law; k = 1 is Laplace's. V counts what can be written: all ids
    but `<pad>` and `<bos>`. A sequence begins after `<bos>`, as often as the order needs it. Where it ends is for the
    caller to say, with `<eos>`.

    How the counts are kept: an n-gram is its beginning, all tokens but the last, and its last token. Its *name* is the
    number of its beginning times the vocabulary's size plus the last token; its *number* is the place of that name in
    the sorted list of all names. So an n-gram is found by one binary search for each order, millions of them at once.

    Args:
        order: n, how many tokens an n-gram has; at least 1.
        vocab_size: how many ids there are, `<pad>` and `<bos>` among them.
        k: what is added to every count; 0 gives relative frequencies, under which unseen contexts are uniform.

    Raises:
        ValueError: order or vocab_size is too small, or k is negative.

    >>> model = NGramModel(2, 6, k=0).fit([[4, 5, EOS_ID], [4, 4, 5, EOS_ID]])
    >>> model.log_probs(torch.tensor([[4, 4]])).exp()[0].tolist()  # p(4 | <bos>) and p(4 | 4)
    [1.0, 0.3333333333333333]
    """

    def __init__(self, order: int, vocab_size: int, k: float = 1.0):
        if order < 1 or vocab_size < 3 or k < 0:
            raise ValueError(f"order must be >= 1, vocab_size >= 3, k >= 0; got {order}, {vocab_size} and {k}")
        self.order, self.vocab_size, self.k = order, vocab_size, k

    def fit(self, sequences: Iterable[Sequence[int]]) -> "NGramModel":
        """Count the n-grams of all sequences; none crosses from one sequence into the next. Returns the model."""
        start = [BOS_ID] * max(1, self.order - 1)
        ids = torch.tensor([i for sequence in sequences for i in (*start, *sequence)])  # (N,)
        self.names: list[Tensor] = []  # of the n-grams of order 2, 3, ...; a unigram's number is its id
        numbers = [ids]
        for _ in range(1, self.order):
            names, places = self._name(numbers[-1], ids).unique(return_inverse=True)  # sorted
            self.names.append(names)
            numbers.append(places)
        sizes = [self.vocab_size, *map(len, self.names)]
        written = ids != BOS_ID
        counts = [torch.bincount(n[written], minlength=size) for n, size in zip(numbers, sizes, strict=True)]
        self._use(counts, numbers, ids)
        return self

    def _name(self, numbers: Tensor, ids: Tensor) -> Tensor:
        """Names of the n-grams that end at each place, from the numbers of their beginnings, one place before."""
        before = numbers.roll(1, -1)  # the first place of a row has no beginning of its own; it is always <bos>
        return torch.where(before < 0, -1, before * self.vocab_size + ids)

    def _numbers(self, ids: Tensor) -> list[Tensor]:
        """Numbers of the n-grams of order 1, 2, ... that end at each place; -1 for those that were never seen."""
        numbers = [ids]
        for names in self.names:
            name = self._name(numbers[-1], ids)
            place = torch.searchsorted(names, name).clamp(max=len(names) - 1)
            numbers.append(torch.where(names[place] == name, place, -1))
        return numbers

    def _numbers_in(self, ids: Tensor) -> list[Tensor]:
        """Those of rows (B, T), with as many places before them as `<bos>` has to stand there."""
        return self._numbers(nn.functional.pad(ids, (max(1, self.order - 1), 0), value=BOS_ID))

    def _use(self, counts: list[Tensor], numbers: list[Tensor], ids: Tensor) -> None:
        """Keep of the counts what the probabilities need; here those of the highest order."""
        self.counts = counts[-1:]
        self.totals = self._by_beginning(counts[-1], self.order)

    def _by_beginning(self, values: Tensor, order: int) -> Tensor:
        """Sums over all n-grams of an order that begin alike: one for each n-gram that is one token shorter."""
        if order == 1:
            return values.sum().unsqueeze(0)
        shorter = self.vocab_size if order == 2 else len(self.names[order - 3])
        return torch.zeros(shorter, dtype=values.dtype).index_add(0, self.names[order - 2] // self.vocab_size, values)

    def log_probs(self, ids: Tensor) -> Tensor:
        """Log-probability of every token, given those before it in its row.

        Args:
            ids: (B, T), without `<bos>`; padding is scored, too, and is for the caller to leave out.

        Returns:
            (B, T), in nats.
        """
        return self._probabilities(self._numbers_in(ids))[:, -ids.size(1) :].log()  # (B, T)

    def seen(self, ids: Tensor) -> Tensor:
        """Was the n-gram that ends at each place, of the model's order, in the text that was counted? bool (B, T)."""
        return look_up(self.counts[-1], self._numbers_in(ids)[-1])[:, -ids.size(1) :] > 0

    def next_log_probs(self, context: Sequence[int]) -> Tensor:
        """Log-probability of every token that may follow: (V,); minus infinity for `<pad>` and `<bos>`."""
        rows = torch.tensor([[*context, token] for token in range(self.vocab_size)])  # (V, len + 1)
        scores = self.log_probs(rows)[:, -1]  # (V,)
        return scores.index_fill(0, torch.tensor([PAD_ID, BOS_ID]), -math.inf)

    def _probabilities(self, numbers: list[Tensor]) -> Tensor:
        count = look_up(self.counts[-1], numbers[-1])
        total = look_up(self.totals, self._beginnings(numbers, self.order)) + self.k * (self.vocab_size - 2)
        return torch.where(total > 0, (count + self.k) / total, 1 / (self.vocab_size - 2))

    @staticmethod
    def _beginnings(numbers: list[Tensor], order: int) -> Tensor:
        """Numbers of the beginnings of the n-grams that end at each place; a unigram begins with nothing, number 0."""
        return numbers[order - 2].roll(1, -1) if order > 1 else torch.zeros_like(numbers[0])


class KneserNeyModel(NGramModel):
    """Interpolated Kneser-Ney smoothing: long contexts where they were seen, shorter ones where they were not.

    p_n(w | h) = max(c(h w) - d, 0) / c(h) + d N(h) / c(h) * p_{n-1}(w | h'), where h' is h without its first token and
    N(h) says how many different tokens followed h. What is taken from every count, d, goes to the shorter context.
    Kneser and Ney (1995); Chen and Goodman (1999); d = n_1 / (n_1 + 2 n_2), estimated for each order from
    how many n-grams were seen once and twice.

    The shorter contexts do not count how often they were seen, but after how many *different* tokens: "Francisco" is
    frequent and follows hardly anything but "San", so it is a poor guess elsewhere. An n-gram that begins a sequence
    has nothing before it, and keeps its own count.
    """

    def __init__(self, order: int, vocab_size: int):
        super().__init__(order, vocab_size, k=0)

    def _use(self, counts, numbers, ids):
        for shorter in range(self.order - 1):
            after = torch.empty(len(counts[shorter + 1]), dtype=torch.long)  # its number without its first token
            after[numbers[shorter + 1]] = numbers[shorter]
            neighbours = torch.bincount(after[counts[shorter + 1] > 0], minlength=len(counts[shorter]))
            first = torch.zeros(len(counts[shorter]), dtype=torch.bool)
            first[numbers[shorter]] = ids.roll(shorter) == BOS_ID
            counts[shorter] = torch.where(first, counts[shorter], neighbours)
        self.counts = counts
        self.totals = [self._by_beginning(count, n) for n, count in enumerate(counts, 1)]
        self.kinds = [self._by_beginning((count > 0).long(), n) for n, count in enumerate(counts, 1)]
        self.discounts = [discount(count) for count in counts]

    def _probabilities(self, numbers):
        p = torch.full(numbers[0].shape, 1 / (self.vocab_size - 2), dtype=torch.double)
        for n in range(1, self.order + 1):
            beginning, d = self._beginnings(numbers, n), self.discounts[n - 1]
            count, total, kinds = (
                look_up(self.counts[n - 1], numbers[n - 1]),
                look_up(self.totals[n - 1], beginning),
                look_up(self.kinds[n - 1], beginning),
            )
            p = torch.where(total > 0, ((count - d).clamp(min=0) + d * kinds * p) / total, p)
        return p


def discount(counts: Tensor) -> float:
    """What Kneser-Ney takes from every count: n_1 / (n_1 + 2 n_2); a half where that would be 0 or undefined."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once else 0.5


def look_up(table: Tensor, numbers: Tensor) -> Tensor:
    """The table's entries at some numbers; 0 where the number is -1. As double, since probabilities come of it."""
    return torch.where(numbers < 0, 0, table[numbers.clamp(min=0)]).double()


def perplexity(log_probs: Tensor, mask: Tensor | None = None) -> float:
    """exp of the mean surprise: among how many equally likely tokens the model hesitates, on average.

    Args:
        log_probs: (...), log-probabilities of the tokens that were there, in nats.
        mask: bool (...), True = counts; None = all do.

    >>> round(perplexity(torch.tensor([0.5, 0.125]).log()), 3)
    4.0
    """
    kept = log_probs if mask is None else log_probs[mask]
    return math.exp(-kept.double().mean().item())
