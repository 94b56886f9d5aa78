"""word2vec: a vector for every word, learnt from the words that stand beside it.

Skip-gram with negative sampling (Mikolov et al., 2013b). A word has two vectors, v for when it stands in the centre and
u for when it stands in a window around another. The score u . v is to be high for pairs that were seen and low for a
centre with words drawn at random:

    loss(c, o) = -log sigma(u_o . v_c) - sum_k log sigma(-u_{n_k} . v_c)               (equation 4 there)

The first part of this module says so pair by pair. The second does the same for a whole stretch of text at once, in
a few matrix products, and that is what trains. The third asks the vectors what they know.

What changed since the language models of Parts I and II: nothing is predicted in order, and no softmax runs over the
vocabulary. What is kept is not the model but its table of vectors: one for each word, wherever it stands.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm


@dataclass(frozen=True)
class Word2VecConfig:
    """What decides the vectors, apart from the text and the draws.

    Args:
        width: D, numbers in a vector.
        window: W, the widest reach of a window, in words to either side.
        negatives: K, words drawn at random for each pair.
        min_count: rarer words are left out of the text.
        subsample: the share of the text above which a word is thinned out.
        epochs: passes over the text.
        learning_rate: the rate at the start; it falls in a straight line to `final_learning_rate`.
        final_learning_rate: the rate at the end.
        rows: B, rows of text that make one step. Their gradients are all taken where the step begins and added up, so
            it must not be too long.
        row: L, centres of a row, which share their negatives.
        shared: N, negatives drawn for a row.
    """

    width: int = 100
    window: int = 5
    negatives: int = 5
    min_count: int = 5
    subsample: float = 1e-3
    epochs: int = 5
    learning_rate: float = 0.025
    final_learning_rate: float = 1e-4
    rows: int = 20
    row: int = 20
    shared: int = 32

    def __post_init__(self):
        for name in ("width", "window", "negatives", "min_count", "epochs", "rows", "row", "shared"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("subsample", "learning_rate", "final_learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")

    @property
    def block(self) -> int:
        """Centres of a step."""
        return self.rows * self.row

    @classmethod
    def preset(cls, name: str, **changes) -> "Word2VecConfig":
        """A named setting: "tiny" for tests, "small" for a page's seconds, "base" for the vectors that are kept.

        The last two read a text that is short for word vectors, so they begin at twice the usual rate.
        """
        sizes = {
            "tiny": dict(width=16, min_count=1, epochs=1),
            "small": dict(width=50, epochs=2, learning_rate=0.05, rows=10),
            "base": dict(learning_rate=0.05),
        }
        if name not in sizes:
            raise ValueError(f"preset must be one of {sorted(sizes)}, got {name!r}")
        return replace(cls(**sizes[name]), **changes)


# Words, windows and what is drawn ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WordCounts:
    """The words of a text that are frequent enough, the most frequent first, and how often each was seen.

    Args:
        words: V words in the order of their ids.
        counts: (V,), int64.

    >>> counted = WordCounts.build([["the", "cat"], ["the", "dog", "the", "cat"]], min_count=2)
    >>> counted.words, counted.counts.tolist(), counted.encode([["the", "dog", "cat"]])
    (('the', 'cat'), [3, 2], [[0, 1]])
    """

    words: tuple[str, ...]
    counts: Tensor
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "ids", {word: i for i, word in enumerate(self.words)})

    @classmethod
    def build(cls, sentences: Iterable[Iterable[str]], min_count: int = 5) -> "WordCounts":
        """Count the words; equally frequent ones stand in alphabetical order, so that two builds agree.

        Raises:
            ValueError: no word is that frequent.
        """
        counts = Counter(chain.from_iterable(sentences))
        kept = sorted((-count, word) for word, count in counts.items() if count >= min_count)
        if not kept:
            raise ValueError(f"no word was seen min_count = {min_count} times")
        return cls(tuple(word for _, word in kept), torch.tensor([-count for count, _ in kept]))

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentences: Iterable[Iterable[str]]) -> list[list[int]]:
        """Ids of each sentence's words. Words without an id are left out, and their neighbours close up."""
        return [[self.ids[word] for word in sentence if word in self.ids] for sentence in sentences]


def keep_probabilities(counts: Tensor, subsample: float) -> Tensor:
    """How probably an occurrence of each word stays in the text, when frequent words are thinned out.

    min(1, sqrt(t / f) + t / f), where f is the word's share of the text and t the threshold. This is what the program
    of Mikolov et al. (2013b) computes; their equation 5 lacks the second term.

    Args:
        counts: (V,), how often each word was seen.
        subsample: t.

    Returns:
        (V,), between 0 and 1.

    Raises:
        ValueError: subsample is not above 0.

    >>> keep_probabilities(torch.tensor([16, 4, 80]), 0.04).tolist()
    [0.75, 1.0, 0.2736068069934845]
    """
    if subsample <= 0:
        raise ValueError(f"subsample must be above 0, got {subsample}")
    ratio = subsample * counts.sum() / counts  # (V,): t / f
    return (ratio.sqrt() + ratio).clamp(max=1.0)  # (V,)


def draw_reach(size: int, window: int, generator: torch.Generator) -> Tensor:
    """For each centre how far its window reaches, 1 to W: so nearer words are seen more often than farther ones.

    A neighbour at distance d is taken with probability (W - d + 1) / W.

    Args:
        size: T, number of centres.
        window: W.
        generator: the source of the draw.

    Returns:
        (T,), int64.

    Raises:
        ValueError: the window is below 1.

    >>> draw_reach(6, 5, torch.Generator().manual_seed(0)).tolist()
    [5, 5, 4, 1, 4, 5]
    """
    if window < 1:
        raise ValueError(f"window must be at least 1, got {window}")
    return torch.randint(1, window + 1, (size,), generator=generator, device=generator.device)


def window_mask(reach: Tensor) -> Tensor:
    """Which words stand in whose window: True where word j is at most reach_i from word i, and is not i itself.

    Args:
        reach: (T,), how far the window of each centre of a sentence reaches.

    Returns:
        bool (T, T); row i is the window of word i.

    >>> window_mask(torch.tensor([1, 2, 1])).int().tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    positions = torch.arange(len(reach), device=reach.device)  # (T,)
    distance = (positions - positions[:, None]).abs()  # (T, T)
    return (distance > 0) & (distance <= reach[:, None])  # (T, T)


def skip_gram_pairs(ids: Tensor, reach: Tensor) -> Tensor:
    """All pairs of a centre and a word of its window, in the order of the sentence.

    Args:
        ids: (T,), a sentence.
        reach: (T,), how far the window of each word reaches.

    Returns:
        (P, 2): centre and context.

    >>> skip_gram_pairs(torch.tensor([7, 8, 9]), torch.tensor([1, 1, 2])).tolist()
    [[7, 8], [8, 7], [8, 9], [9, 7], [9, 8]]
    """
    if ids.shape != reach.shape:
        raise ValueError(f"ids and reach must have one shape, got {tuple(ids.shape)} and {tuple(reach.shape)}")
    return ids[window_mask(reach).nonzero()]  # (P, 2)


def negative_probabilities(counts: Tensor, power: float = 0.75) -> Tensor:
    """What negatives are drawn from: the words' counts to the power of 3/4, so that rare words come up more often.

    Args:
        counts: (V,), how often each word was seen.
        power: 1 gives the words' shares of the text, 0 makes all alike.

    Returns:
        (V,), of sum 1.

    >>> negative_probabilities(torch.tensor([16, 81])).tolist()  # 8 : 27
    [0.22857142984867096, 0.7714285850524902]
    """
    weights = counts.to(torch.get_default_dtype()) ** power  # (V,)
    return weights / weights.sum()


def draw_negatives(probabilities: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Ids drawn independently of each other and of any pair; one may be the very word that was seen.

    Args:
        probabilities: (V,).
        shape: how many, in as many axes as one likes.
        generator: the source of the draws.

    Returns:
        int64 of that shape.

    >>> draw_negatives(torch.tensor([0.0, 1.0]), (2, 3), torch.Generator()).tolist()
    [[1, 1, 1], [1, 1, 1]]
    """
    drawn = torch.multinomial(probabilities, math.prod(shape), replacement=True, generator=generator)
    return drawn.view(*shape)


# The loss, pair by pair -----------------------------------------------------------------------------------------------


def negative_sampling_loss(centre: Tensor, context: Tensor, negative: Tensor) -> Tensor:
    """How badly the scores tell a word that was seen from words that were drawn.

    -log sigma(u_o . v_c) - sum_k log sigma(-u_{n_k} . v_c), equation 4 of Mikolov et al. (2013b).

    Args:
        centre: (P, D), vectors v of the centres.
        context: (P, D), vectors u of the words that were seen beside them.
        negative: (P, K, D), vectors u of the words that were drawn for each pair.

    Returns:
        (P,), the loss of each pair, in nats; where all scores are 0 it is (K + 1) log 2.

    >>> negative_sampling_loss(torch.zeros(1, 8), torch.zeros(1, 8), torch.zeros(1, 3, 8)).tolist()
    [2.7725887298583984]
    """
    positive_scores = (context * centre).sum(-1)  # (P,)
    negative_scores = (negative @ centre[..., None]).squeeze(-1)  # (P, K)
    logsigmoid = nn.functional.logsigmoid
    return -logsigmoid(positive_scores) - logsigmoid(-negative_scores).sum(-1)  # (P,)


def negative_sampling_gradients(centre: Tensor, context: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of `negative_sampling_loss` in closed form: each score's is how wrong its probability was.

    With e_o = sigma(u_o . v_c) - 1 and e_k = sigma(u_{n_k} . v_c):

        d/dv_c = e_o u_o + sum_k e_k u_{n_k},    d/du_o = e_o v_c,    d/du_{n_k} = e_k v_c.

    Args and shapes are those of the loss; returns one gradient for each of the three.

    >>> [g.shape for g in negative_sampling_gradients(torch.ones(2, 8), torch.ones(2, 8), torch.ones(2, 3, 8))]
    [torch.Size([2, 8]), torch.Size([2, 8]), torch.Size([2, 3, 8])]
    """
    positive_error = (context * centre).sum(-1, keepdim=True).sigmoid() - 1  # (P, 1)
    negative_error = (negative @ centre[..., None]).sigmoid()  # (P, K, 1)
    centre_gradient = positive_error * context + (negative_error * negative).sum(-2)  # (P, D)
    return centre_gradient, positive_error * centre, negative_error * centre[..., None, :]


# The loss, a stretch of text at a time --------------------------------------------------------------------------------


@dataclass
class SkipGram:
    """The two tables that are learnt: v and u for every word.

    Args:
        centres: (V, D), the vectors v, which are kept in the end.
        contexts: (V, D), the vectors u.
    """

    centres: Tensor
    contexts: Tensor

    @classmethod
    def initial(cls, vocab_size: int, width: int, generator: torch.Generator) -> "SkipGram":
        """Before training: v uniform within +-1/(2 D), u zero, so that every score is 0."""
        centres = torch.rand(vocab_size, width, generator=generator, device=generator.device)
        return cls((centres - 0.5) / width, torch.zeros_like(centres))

    @torch.no_grad()
    def loss(self, pairs: Tensor, negatives: Tensor, chunk: int = 65_536) -> float:
        """Mean loss of some pairs (P, 2) with their negatives (P, K), in nats a pair."""
        losses = [
            negative_sampling_loss(self.centres[p[:, 0]], self.contexts[p[:, 1]], self.contexts[n])
            for p, n in zip(pairs.split(chunk), negatives.split(chunk), strict=True)
        ]
        return torch.cat(losses).mean().item()


@dataclass(frozen=True)
class Block:
    """A stretch of text in B rows of L centres, and M words for each row to be scored against all of its centres.

    The M words are the row's own with W on either side of them, L + 2W neighbours, and then N negatives.

    Args:
        centres: (B, L), ids.
        others: (B, M), ids.
        seen: (B, L, M), 1 where the word stands in the window of the centre, else 0.
        weight: (B, L, M), what a pair counts in the loss: 1 where it was seen, 0 for other neighbours; and for a
            negative K / N times the number of words that were seen beside the centre.
    """

    centres: Tensor
    others: Tensor
    seen: Tensor
    weight: Tensor


def block_loss(model: SkipGram, block: Block) -> Tensor:
    """The loss of all pairs of a block, summed.

    A pair has N negatives here instead of K, each with the weight K / N. So the loss has the same mean over the draws
    as that of pairs with K negatives of their own; only its noise is another, since a row's pairs share their luck.

    Args:
        model: the tables.
        block: the text.

    Returns:
        (), in nats.
    """
    scores = model.centres[block.centres] @ model.contexts[block.others].mT  # (B, L, M)
    return nn.functional.binary_cross_entropy_with_logits(scores, block.seen, block.weight, reduction="sum")


def block_gradients(model: SkipGram, block: Block) -> tuple[Tensor, Tensor]:
    """The closed form for all pairs of a block: each vector is fetched once, and the sums are matrix products.

    Args:
        model: the tables.
        block: the text.

    Returns:
        Gradients of `block_loss`, of the vectors v of the centres (B, L, D) and the vectors u of the others (B, M, D).
        Those of a word that stands in several places are not added up yet.
    """
    centres = nn.functional.embedding(block.centres, model.centres)  # (B, L, D)
    others = nn.functional.embedding(block.others, model.contexts)  # (B, M, D)
    errors = ((centres @ others.mT).sigmoid() - block.seen) * block.weight  # (B, L, M)
    return errors @ others, errors.mT @ centres


def descend(model: SkipGram, block: Block, gradients: tuple[Tensor, Tensor], learning_rate: float) -> None:
    """One step of plain gradient descent, in place: a word in several places takes the sum of their steps."""
    tables = (model.centres, model.contexts)
    for table, ids, gradient in zip(tables, (block.centres, block.others), gradients, strict=True):
        table.index_add_(0, ids.flatten(), gradient.flatten(0, 1) * -learning_rate)


@dataclass(frozen=True)
class Windows:
    """A text with all windows drawn: how many words to its left and right each word's takes.

    Args:
        ids: (T,).
        left: (T,), at most W, and no more than there are in the sentence.
        right: (T,), the same on the other side.
    """

    ids: Tensor
    left: Tensor
    right: Tensor

    @classmethod
    def draw(cls, ids: Tensor, sentences: Tensor, window: int, generator: torch.Generator) -> "Windows":
        """Draw the reach of every window, and end it where its sentence ends.

        Args:
            ids: (T,), sentence after sentence.
            sentences: (T,), the number of each word's sentence, rising.
            window: W.
            generator: the source of the draws.
        """
        reach = draw_reach(len(ids), window, generator)
        sizes = torch.bincount(sentences)
        places, ends = torch.arange(len(ids), device=ids.device), sizes.cumsum(0)[sentences]
        starts = ends - sizes[sentences]
        return cls(ids, torch.minimum(reach, places - starts), torch.minimum(reach, ends - 1 - places))

    def blocks(self, probabilities: Tensor, config: Word2VecConfig, generator: torch.Generator) -> Iterator[Block]:
        """Cut the text into blocks, with negatives drawn for each row.

        Args:
            probabilities: (V,), what negatives are drawn from.
            config: sizes.
            generator: the source of the draws.
        """
        if not len(self.ids):
            return
        window, row, shared = config.window, config.row, config.shared
        fill = -len(self.ids) % config.block  # word 0 fills the last block, with a window that takes nothing
        centres = nn.functional.pad(self.ids, (0, fill)).view(-1, config.rows, row)  # (blocks, B, L)
        around = nn.functional.pad(self.ids, (window, fill + window)).unfold(0, row + 2 * window, row)
        negatives = draw_negatives(probabilities, (len(around), shared), generator)
        others = torch.cat([around, negatives], 1).view(len(centres), config.rows, -1)  # (blocks, B, M)
        left, right = (
            nn.functional.pad(side, (0, fill)).view(*centres.shape, 1).short() for side in (self.left, self.right)
        )  # (blocks, B, L, 1)
        places = torch.arange(row + 2 * window, device=self.ids.device, dtype=torch.short) - window  # (L + 2W,)
        offset = places - places[window : window + row, None]  # (L, L + 2W)
        for few in torch.arange(len(centres)).split(8):  # several at once, but no more than the processor's cache holds
            seen = (offset >= -left[few]) & (offset <= right[few]) & (offset != 0)  # (8, B, L, L + 2W)
            seen = nn.functional.pad(seen.float(), (0, shared))  # (8, B, L, M)
            weight = seen.clone()
            weight[..., -shared:] = (left[few] + right[few]) * (config.negatives / shared)
            yield from map(Block, centres[few], others[few], seen, weight)


def train_skip_gram(
    sentences: Sequence[Sequence[int]],
    counts: Tensor,
    config: Word2VecConfig,
    generator: torch.Generator,
    progress: bool = True,
) -> SkipGram:
    """Learn the tables from sentences of ids, by gradient descent with a rate that falls in a straight line.

    Each epoch thins the text out anew, and draws new windows and negatives.

    Args:
        sentences: ids; no window reaches from one into the next.
        counts: (V,), how often each word was seen.
        config: sizes, epochs, rates.
        generator: the source of the first vectors, and of every draw; all work is done on its device. The same state
            gives the same vectors.
        progress: show a progress bar on standard output.

    Returns:
        The tables.

    Raises:
        ValueError: there are no words.
        FloatingPointError: the vectors are no longer finite numbers.
    """
    if not any(sentences):
        raise ValueError("sentences must hold at least one word, got none")
    device = generator.device
    ids = torch.from_numpy(np.fromiter(chain.from_iterable(sentences), dtype=np.int64)).to(device)  # (T,)
    numbers = torch.repeat_interleave(torch.tensor([len(sentence) for sentence in sentences], device=device))  # (T,)
    counts = counts.to(device)
    keep, probabilities = keep_probabilities(counts, config.subsample), negative_probabilities(counts)
    model = SkipGram.initial(len(counts), config.width, generator)
    for epoch in range(config.epochs):
        kept = torch.rand(len(ids), generator=generator, device=device) < keep[ids]
        windows = Windows.draw(ids[kept], numbers[kept], config.window, generator)
        share = config.block / max(1, len(windows.ids))  # of the epoch, for a block
        blocks = tqdm(
            windows.blocks(probabilities, config, generator),
            desc=f"epoch {epoch + 1} of {config.epochs}",
            total=-(-len(windows.ids) // config.block),
            disable=not progress,
            file=sys.stdout,
            unit="step",
        )
        for number, block in enumerate(blocks):
            done = (epoch + number * share) / config.epochs
            rate = config.learning_rate + done * (config.final_learning_rate - config.learning_rate)
            descend(model, block, block_gradients(model, block), rate)
    if not model.centres.isfinite().all():
        raise FloatingPointError("the vectors are not finite; try a lower learning_rate or a smaller block")
    return model


# What the vectors know ------------------------------------------------------------------------------------------------


class WordVectors:
    """Words and their vectors, to be asked which are alike.

    Likeness is the cosine of the angle between two vectors.

    Args:
        words: V words, all different.
        vectors: (V, D).

    Raises:
        ValueError: the two have not the same length, or a word stands twice.

    >>> three = WordVectors(["north", "east", "south"], torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]))
    >>> three.similarity([("north", "south"), ("north", "east")]).tolist()
    [-1.0, 0.0]
    """

    def __init__(self, words: Sequence[str], vectors: Tensor):
        if len(words) != len(vectors):
            raise ValueError(f"there must be a vector for each word, got {len(words)} words and {len(vectors)} vectors")
        self.words, self.vectors = tuple(words), vectors
        self.ids = {word: i for i, word in enumerate(self.words)}
        if len(self.ids) != len(self.words):
            raise ValueError("no word may stand twice")
        self.directions = nn.functional.normalize(vectors, dim=-1)  # (V, D), each of length 1

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.ids

    def __getitem__(self, word: str) -> Tensor:
        """The vector of a word, (D,)."""
        return self.vectors[self._ids([word])[0]]

    def _ids(self, words: Iterable[str]) -> list[int]:
        words = list(words)
        missing = [word for word in words if word not in self.ids]
        if missing:
            raise ValueError(f"these words have no vector: {', '.join(map(repr, missing[:5]))}")
        return [self.ids[word] for word in words]

    def similarity(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        """The cosine of each pair of words: (P,)."""
        ids = torch.tensor([self._ids(pair) for pair in pairs], dtype=torch.long).view(-1, 2)
        first, second = self.directions[ids].unbind(1)  # (P, D) each
        return (first * second).sum(-1)

    def nearest(self, word: str, k: int = 10) -> list[tuple[str, float]]:
        """The k words most like a word, the most alike first, without the word itself; and their cosines."""
        if not 1 <= k < len(self):
            raise ValueError(f"k must lie between 1 and {len(self) - 1}, the number of other words, got {k}")
        scores = self.directions @ self.directions[self._ids([word])[0]]  # (V,)
        scores[self.ids[word]] = -torch.inf
        best = scores.topk(k)
        return [(self.words[i], score) for i, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)]

    def analogy(self, questions: Sequence[tuple[str, str, str]], chunk: int = 1024) -> list[str]:
        """For each (a, b, c): a is to b as c is to which word?

        argmax_w cos(w, b - a + c), over all words but the three of the question (Mikolov et al., 2013c; 3CosAdd in
        Levy and Goldberg, 2014b). The three are added as directions.

        Args:
            questions: Q triples of words.
            chunk: how many are asked at once; bounds the memory, Q x V numbers.
        """
        answers = []
        ids = torch.tensor([self._ids(question) for question in questions], dtype=torch.long).view(-1, 3)
        for few in ids.split(chunk):  # (Q, 3)
            a, b, c = self.directions[few].unbind(1)  # (Q, D) each
            scores = (b - a + c) @ self.directions.T  # (Q, V); the length of the sum does not matter to the argmax
            answers += scores.scatter_(1, few, -torch.inf).argmax(-1).tolist()
        return [self.words[i] for i in answers]
