"""Assignment 06: windows, negatives, the loss and its gradient, neighbours and analogies.

The marks of the experiment are in `word2vec_experiment`; the notebook finds them here, too.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seq2bert import word2vec as chapter
from seq2bert.checks.task import CheckFailed, Mistake, Task, Trial, difference, is_tensor
from seq2bert.checks.word2vec_experiment import (
    experiment_lines,
    experiment_points,
    predicted_correlation,
    predictions,
    rated_pairs,
)

__all__ = [  # what the notebook calls
    "draw_negatives",
    "experiment_lines",
    "experiment_points",
    "nearest_words",
    "negative_sampling_loss",
    "noise_probabilities",
    "predicted_correlation",
    "predictions",
    "rated_pairs",
    "skip_gram_gradients",
    "skip_gram_pairs",
    "solve_analogies",
]


def size(low: int, high: int, g: torch.Generator) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=g))


@dataclass(frozen=True)
class DiagnosedTask(Task):
    """A task with a mistake that has many forms, too many to list all their answers.

    Args:
        suspect: given the arguments, an answer that no known mistake gives, and the right one: the name of the mistake
            that it is a form of, or None.
    """

    suspect: Callable[[dict[str, Any], tuple, tuple], str | None] = lambda arguments, answer, expected: None

    def _recognise(self, function, answers, trials, hidden) -> Mistake | None:
        found = super()._recognise(function, answers, trials, hidden)
        if found:
            return found
        trial = trials[len(answers) - 1]
        name = self.suspect(trial.arguments, answers[-1], trial.expected)
        return next((mistake for mistake in self.mistakes if mistake.name == name), None)


# Task 1: windows -----------------------------------------------------------------------------------------------------


def draw_text(lengths: list[int], window: int, g: torch.Generator) -> dict:
    """Sentences of these lengths, as one text; words come up again."""
    return dict(
        ids=torch.randint(20, (sum(lengths),), generator=g),
        sentences=torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)),
        reach=torch.randint(1, window + 1, (sum(lengths),), generator=g),
    )


def hidden_text(g: torch.Generator) -> dict:
    """One to five sentences, some of a single word, counted from any number; windows that are wider than a sentence."""
    given = draw_text([size(1, 6, g) for _ in range(size(1, 5, g))], size(1, 8, g), g)
    return given | dict(sentences=given["sentences"] + size(0, 9, g))


def reference_skip_gram_pairs(ids: Tensor, sentences: Tensor, reach: Tensor) -> Tensor:
    """The chapter's pairs of each sentence, one sentence after the other.

    Args:
        ids: (T,), a text.
        sentences: (T,), the number of the sentence in which each word stands.
        reach: (T,), how far the window of each word reaches.

    Returns:
        (P, 2): centre and context.
    """
    _, lengths = sentences.unique_consecutive(return_counts=True)
    parts = zip(ids.split(lengths.tolist()), reach.split(lengths.tolist()), strict=True)
    return torch.cat([ids.new_empty(0, 2), *(chapter.skip_gram_pairs(*part) for part in parts)])


def _pairs_variant(
    inside=lambda offset, reach: (offset != 0) & (offset.abs() <= reach[:, None]),
    across=False,
    pick=lambda ids, places: ids[places],
    arrange=lambda places: places,
):
    """Pairs with one thing changed, to make mistakes from."""

    def pairs(ids, sentences, reach):
        place = torch.arange(len(ids))
        taken = inside(place - place[:, None], reach)  # (T, T)
        if not across:
            taken = taken & (sentences == sentences[:, None])
        return pick(ids, arrange(taken.nonzero()))

    return pairs


def _by_distance(places: Tensor) -> Tensor:
    return places[(places[:, 1] - places[:, 0]).abs().argsort(stable=True)]


skip_gram_pairs = Task(
    name="skip_gram_pairs",
    reference=reference_skip_gram_pairs,
    outputs=("the table of pairs",),
    visible=lambda g: draw_text([5, 1, 4], 3, g),
    hidden=hidden_text,
    mistakes=(
        Mistake(
            "across the sentence's end",
            _pairs_variant(across=True),
            "Words of different sentences are paired. A window ends where its sentence ends.",
        ),
        Mistake(
            "a word with itself",
            _pairs_variant(inside=lambda offset, reach: offset.abs() <= reach[:, None]),
            "Each word is paired with its own place. The window is what stands around the centre.",
        ),
        Mistake(
            "left side only",
            _pairs_variant(inside=lambda offset, reach: (offset < 0) & (-offset <= reach[:, None])),
            "Only what stands before the centre is paired with it. A window has two sides.",
        ),
        Mistake(
            "right side only",
            _pairs_variant(inside=lambda offset, reach: (offset > 0) & (offset <= reach[:, None])),
            "Only what stands behind the centre is paired with it. A window has two sides.",
        ),
        Mistake(
            "reach of the context",
            _pairs_variant(inside=lambda offset, reach: (offset != 0) & (offset.abs() <= reach)),
            "Whether two words make a pair is decided by the reach of the context here. The window is the centre's: "
            "row i of the table of offsets is compared with the reach of word i.",
        ),
        Mistake(
            "one short",
            _pairs_variant(inside=lambda offset, reach: (offset != 0) & (offset.abs() < reach[:, None])),
            "The windows are one too narrow: a word exactly as far away as the reach belongs to it.",
        ),
        Mistake(
            "windows do not shrink",
            _pairs_variant(inside=lambda offset, reach: (offset != 0) & (offset.abs() <= reach.max())),
            "All windows are as wide as the widest. Each centre has a reach of its own.",
        ),
        Mistake(
            "context before centre",
            _pairs_variant(pick=lambda ids, places: ids[places.flip(1)]),
            "The columns have changed places: first the centre, then the context.",
        ),
        Mistake(
            "places instead of ids",
            _pairs_variant(pick=lambda ids, places: places),
            "These are the places of the words in the text. Return the ids that stand there.",
        ),
        Mistake(
            "nearest first",
            _pairs_variant(arrange=_by_distance),
            "The pairs are right, in another order: all of distance 1, then all of distance 2, and so on. They "
            "are asked for centre by centre, and within a window from left to right.",
        ),
    ),
)

# Task 2a: what negatives are drawn from ------------------------------------------------------------------------------


def draw_counts(words: int, g: torch.Generator) -> Tensor:
    """Counts of some words, the most frequent first, from a few to a million."""
    return (10 ** (1 + 5 * torch.rand(words, generator=g).sort(descending=True).values)).long()


def _noise_variant(weigh=lambda counts, power: counts**power, normalise=lambda weights: weights / weights.sum()):
    """Probabilities with one thing changed, to make mistakes from."""
    return lambda counts, power=0.75: normalise(weigh(counts.float(), power))


noise_probabilities = Task(
    name="noise_probabilities",
    reference=chapter.negative_probabilities,
    outputs=("the probabilities",),
    visible=lambda g: dict(counts=draw_counts(5, g), power=0.75),
    hidden=lambda g: dict(counts=draw_counts(size(2, 9, g), g), power=(0.25, 0.6, 1.0)[size(0, 2, g)]),
    mistakes=(
        Mistake(
            "shares of the text",
            _noise_variant(weigh=lambda counts, power: counts),
            "These are the words' shares of the text: power has no effect.",
        ),
        Mistake(
            "all alike",
            _noise_variant(weigh=lambda counts, power: torch.ones_like(counts)),
            "All words have the same probability, however often they were seen.",
        ),
        Mistake(
            "normalised first",
            _noise_variant(
                weigh=lambda counts, power: (counts / counts.sum()) ** power, normalise=lambda weights: weights
            ),
            "The shares were taken to the power, and then left as they were: they do not sum to 1. Divide last.",
        ),
        Mistake(
            "not normalised",
            _noise_variant(normalise=lambda weights: weights),
            "The counts are taken to the power, but not divided by their sum.",
        ),
        Mistake(
            "softmax",
            _noise_variant(normalise=lambda weights: weights.softmax(-1)),
            "A softmax takes exponentials once more. The weights are positive already: divide by their sum.",
        ),
        Mistake(
            "rare words preferred",
            _noise_variant(weigh=lambda counts, power: counts**-power),
            "The rarer a word, the more probable it is here. The power has no minus.",
        ),
        Mistake(
            "power fixed",
            lambda counts, power=0.75: chapter.negative_probabilities(counts),
            "The power is 3/4 here although the argument says otherwise.",
            visible=False,
        ),
    ),
)

# Task 2b: drawing negatives ------------------------------------------------------------------------------------------

DRAWN = 40_000  # numbers in a draw: a share is then within 0.0025 of its probability, as a rule


def draw_noise(shape: tuple[int, ...], words: int, g: torch.Generator) -> dict:
    """Probabilities of which one is above a half and no other is like it, a shape, a seed."""
    weights = torch.rand(words, generator=g) + 0.2
    weights[size(0, words - 1, g)] = 1.2 * weights.sum()
    return dict(probabilities=weights / weights.sum(), shape=shape, seed=size(0, 10_000, g))


def hidden_noise(g: torch.Generator) -> dict:
    """Other shapes, of one to three axes, and numbers of words."""
    shape = ((DRAWN,), (DRAWN // 2, 2), (DRAWN // 40, 8, 5))[size(0, 2, g)]
    return draw_noise(shape, size(3, 8, g), g)


def reference_draw_negatives(probabilities: Tensor, shape: tuple[int, ...], seed: int) -> Tensor:
    """The chapter's draw, with a generator that starts at a seed: ids of the given shape."""
    return chapter.draw_negatives(probabilities, shape, torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class DrawingTask(Task):
    """A task whose answers are random: what is compared is what can be counted in them.

    The function is called with a seed, with the same once more, and with another. Each thing counted comes within a
    seventh of the tolerance of what it should be; so a right answer is never unlucky.
    """

    def _trial(self, arguments: dict[str, Any]) -> Trial:
        expected = arguments["probabilities"]
        counted = tuple(self._call(mistake.function, arguments) for mistake in self.mistakes)
        return Trial(arguments, (0.0, 1.0, 0.0, expected), counted)

    def _call(self, function: Callable, arguments: dict[str, Any]) -> tuple:
        seeds = (arguments["seed"], arguments["seed"], arguments["seed"] + 1)
        draws = [super(DrawingTask, self)._call(function, arguments | {"seed": seed})[0] for seed in seeds]
        words = len(arguments["probabilities"])
        for draw in draws:
            complaint = self._malformed(draw, tuple(arguments["shape"]), words)
            if complaint:
                raise CheckFailed(f"{self.name}: {complaint}")
        first, again, other = draws
        shares = first.flatten().bincount(minlength=words) / first.numel()
        chance = shares.square().sum().item()  # that two independent draws are the same
        apart = [
            _alike(first.narrow(axis, 1, n - 1), first.narrow(axis, 0, n - 1)) for axis, n in enumerate(first.shape)
        ]
        dependence = max((alike - chance for alike in apart), key=abs)
        if abs(dependence) > self.tolerance:  # then the shares are those of fewer draws, and tell nothing
            shares = torch.full_like(shares, math.nan)
        return dependence, _alike(first, again), _alike(first, other) - chance, shares

    @staticmethod
    def _malformed(draw: Any, shape: tuple[int, ...], words: int) -> str | None:
        complaint = difference(draw, torch.zeros(shape, dtype=torch.int64), math.inf, reveal=False)
        if not is_tensor(draw) or draw.shape != shape or draw.dtype is torch.bool or draw.is_complex():
            return f"the draw {complaint}"
        if draw.is_floating_point():
            return f"the draw should hold whole numbers, holds {draw.dtype}"
        if draw.min() < 0 or draw.max() >= words:
            strange = draw[(draw < 0) | (draw >= words)][0].item()
            return f"the draw has the id {strange}; there are {words} words, with the ids 0 to {words - 1}"
        return None


def _alike(one: Tensor, other: Tensor) -> float:
    return (one == other).double().mean().item()


def _draw_variant(draw: Callable) -> Callable:
    """From probabilities, a shape and a generator, to make mistakes from."""
    return lambda probabilities, shape, seed: draw(probabilities, shape, torch.Generator().manual_seed(seed))


def _one_row_for_all(probabilities, shape, generator):
    return chapter.draw_negatives(probabilities, shape[-1:], generator).expand(shape).clone()


def _one_for_each_row(probabilities, shape, generator):
    return chapter.draw_negatives(probabilities, (*shape[:-1], 1), generator).expand(shape).clone()


def _without_replacement(probabilities, shape, generator):
    rows = probabilities.expand(math.prod(shape[:-1]), -1)
    return rows.multinomial(shape[-1], generator=generator).view(shape)


draw_negatives = DrawingTask(
    name="draw_negatives",
    reference=reference_draw_negatives,
    outputs=(
        "how much oftener than by chance two neighbours are the same",
        "the part that is the same when the seed is",
        "how much oftener than by chance draws of two seeds are the same",
        "the share of each id",
    ),
    visible=lambda g: draw_noise((DRAWN // 4, 4), 6, g),
    hidden=hidden_noise,
    tolerance=0.02,
    draws=1,
    mistakes=(
        Mistake(
            "probabilities ignored",
            _draw_variant(lambda p, shape, g: torch.randint(len(p), shape, generator=g)),
            "All ids are equally probable. Draw them with the probabilities given.",
        ),
        Mistake(
            "always the most probable",
            lambda probabilities, shape, seed: probabilities.argmax().expand(shape).clone(),
            "Every id is the most probable one. Draw: others have their share, too.",
        ),
        Mistake(
            "seed ignored",
            lambda probabilities, shape, seed: chapter.draw_negatives(probabilities, shape, _WITHOUT_SEED),
            "The same seed gives other ids the second time. Make a generator, start it at the seed, and draw with it.",
        ),
        Mistake(
            "one seed for all",
            lambda probabilities, shape, seed: reference_draw_negatives(probabilities, shape, 0),
            "Another seed gives the same ids. Start the generator at the seed that is given.",
        ),
        Mistake(
            "in the order of the ids",
            _draw_variant(lambda p, shape, g: chapter.draw_negatives(p, shape, g).flatten().sort().values.view(shape)),
            "The ids have the right shares, but equal ones stand side by side. Each place is a draw of its own.",
        ),
    ),
)
_WITHOUT_SEED = torch.Generator().manual_seed(0)

# Task 3a: the loss ---------------------------------------------------------------------------------------------------


def draw_vectors(pairs: int, negatives: int, width: int, g: torch.Generator) -> dict:
    """A centre, a context and some negatives for each pair."""
    return dict(
        centre=torch.randn(pairs, width, generator=g),
        context=torch.randn(pairs, width, generator=g),
        negative=torch.randn(pairs, negatives, width, generator=g),
    )


def hidden_vectors(g: torch.Generator) -> dict:
    """Other shapes, and in the first pair a context with a score of -200 and a negative with one of 200."""
    given = draw_vectors(size(1, 5, g), size(2, 7, g), size(3, 9, g), g)
    centre = given["centre"][0]
    far = 200 * centre / centre.square().sum()  # whose score with the centre is 200
    given["context"][0], given["negative"][0, 0] = -far, far
    return given


def _scores(centre: Tensor, context: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    return (context * centre).sum(-1), (negative * centre[:, None]).sum(-1)  # (P,), (P, K)


def _loss_variant(
    seen=lambda scores: -F.logsigmoid(scores),
    drawn=lambda scores: -F.logsigmoid(-scores),
    over=lambda losses: losses.sum(-1),
    finish=lambda losses: losses,
):
    """A loss with one thing changed, to make mistakes from."""

    def loss(centre, context, negative):
        positive_scores, negative_scores = _scores(centre, context, negative)
        return finish(seen(positive_scores) + over(drawn(negative_scores)))

    return loss


def _softmax_loss(centre, context, negative):
    positive_scores, negative_scores = _scores(centre, context, negative)
    return -torch.cat([positive_scores[:, None], negative_scores], 1).log_softmax(-1)[:, 0]


negative_sampling_loss = Task(
    name="negative_sampling_loss",
    reference=chapter.negative_sampling_loss,
    outputs=("the loss",),
    visible=lambda g: draw_vectors(3, 4, 5, g),
    hidden=hidden_vectors,
    tolerance=1e-3,  # a hidden loss is above 400, where single precision leaves four decimals
    mistakes=(
        Mistake(
            "negatives pulled closer",
            _loss_variant(drawn=lambda scores: -F.logsigmoid(scores)),
            "The scores of the negatives are to be low: their sign changes before the sigmoid.",
        ),
        Mistake(
            "sign of the whole",
            _loss_variant(finish=torch.neg),
            "This is the log-probability, which is to be high. A loss is its negative.",
        ),
        Mistake(
            "mean over the negatives",
            _loss_variant(over=lambda losses: losses.mean(-1)),
            "The K negatives are averaged. Equation 4 of the paper adds them up: each is an example of its own.",
        ),
        Mistake(
            "negatives forgotten",
            _loss_variant(over=lambda losses: 0 * losses.sum(-1)),
            "The negatives are missing. Without them, the loss is 0 once all vectors are long and point the same way.",
        ),
        Mistake(
            "context forgotten",
            _loss_variant(seen=lambda scores: 0 * scores),
            "The word that was seen is missing: its score is to be high.",
        ),
        Mistake(
            "no logarithm",
            _loss_variant(seen=lambda scores: 1 - scores.sigmoid(), drawn=lambda scores: scores.sigmoid()),
            "These are the probabilities of being wrong. The loss is made of logarithms, -log of being right.",
        ),
        Mistake(
            "one softmax",
            _softmax_loss,
            "This is the cross-entropy of a softmax over the context and its negatives. Here each of the K + 1 scores "
            "is a question with yes or no for an answer, and has a sigmoid of its own.",
        ),
        Mistake(
            "one number for the batch",
            _loss_variant(finish=lambda losses: losses.sum()),
            "The losses of all pairs are added up. Return the loss of each pair: (P,).",
        ),
        Mistake(
            "mean of the batch",
            _loss_variant(finish=lambda losses: losses.mean()),
            "This is the mean over all pairs. Return the loss of each pair: (P,).",
        ),
        Mistake(
            "logarithm of 0",
            _loss_variant(seen=lambda scores: -scores.sigmoid().log(), drawn=lambda scores: -(-scores).sigmoid().log()),
            "A large score makes the loss infinite: sigmoid(-200) is 0 in single precision. Its logarithm is -200 all "
            "the same, and logsigmoid knows that.",
            visible=False,
        ),
    ),
)

# Task 3b: its gradient -----------------------------------------------------------------------------------------------

TOLERANCE = 1e-3  # hidden gradients reach 200, where single precision leaves four decimals
REPEATS = "repeated words overwritten"


def draw_batch(words: int, pairs: int, negatives: int, width: int, g: torch.Generator) -> dict:
    """Two tables, and pairs with their negatives: one row for each word, so some words come up several times."""
    return dict(
        centres=torch.randn(words, width, generator=g),
        contexts=torch.randn(words, width, generator=g),
        pairs=torch.randint(words, (pairs, 2), generator=g),
        negatives=torch.randint(words, (pairs, negatives), generator=g),
    )


def visible_batch(g: torch.Generator) -> dict:
    """Six pairs of ten words; one of the negatives is the very word that was seen."""
    given = draw_batch(10, 6, 3, 4, g)
    given["negatives"][0, 0] = given["pairs"][0, 1]
    return given


def hidden_batch(g: torch.Generator) -> dict:
    """Other sizes, down to a single pair and a single negative, and vectors as long as make a score of 200."""
    given = draw_batch(size(4, 12, g), size(1, 20, g), size(1, 6, g), size(2, 6, g), g)
    (centre, context), negative = given["pairs"][0], given["negatives"][0, 0]
    if context == negative:
        given["negatives"][0, 0] = negative = (negative + 1) % len(given["centres"])
    v = given["centres"][centre]
    v *= 10 / v.norm()
    given["contexts"][context], given["contexts"][negative] = -2 * v, 2 * v
    given["negatives"][-1, -1] = given["pairs"][-1, 1]
    return given


def reference_gradients(centres: Tensor, contexts: Tensor, pairs: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """The chapter's gradients of the summed loss, added up in the rows of the two tables.

    Args:
        centres: (V, D), vectors v.
        contexts: (V, D), vectors u.
        pairs: (P, 2), ids of centre and context.
        negatives: (P, K), ids.

    Returns:
        (V, D) and (V, D).
    """
    return _gradients_variant()(centres, contexts, pairs, negatives)


def _add(table: Tensor, rows: Tensor, gradients: Tensor) -> Tensor:
    return table.index_add(0, rows, gradients)


def _overwrite(table: Tensor, rows: Tensor, gradients: Tensor) -> Tensor:
    table = table.clone()
    for row, new in {row: table[row] + new for row, new in zip(rows.tolist(), gradients, strict=True)}.items():
        table[row] = new  # the last of several
    return table


def _gradients_variant(
    of_vectors=chapter.negative_sampling_gradients,
    change=lambda centre, context, negative: (centre, context, negative),
    add=_add,
    finish=lambda centres, contexts, pairs: (centres, contexts),
):
    """Gradients of the tables with one thing changed, to make mistakes from."""

    def gradients(centres, contexts, pairs, negatives):
        vectors = centres[pairs[:, 0]], contexts[pairs[:, 1]], contexts[negatives]
        centre, context, negative = change(*of_vectors(*vectors))  # (P, D), (P, D), (P, K, D)
        table = add(torch.zeros_like(centres), pairs[:, 0], centre)  # (V, D)
        others = add(torch.zeros_like(contexts), pairs[:, 1], context)  # (V, D)
        return finish(table, add(others, negatives.flatten(), negative.flatten(0, 1)), pairs)

    return gradients


def _vector_gradients(
    seen=lambda scores: scores.sigmoid() - 1, drawn=lambda scores: scores.sigmoid(), swapped=False
) -> Callable:
    """The gradients of the vectors from the errors of the scores, to make mistakes from."""

    def gradients(centre, context, negative):
        positive_scores, negative_scores = _scores(centre, context, negative)
        positive, negatives = seen(positive_scores)[:, None], drawn(negative_scores)[..., None]  # (P, 1), (P, K, 1)
        of_centre = positive * context + (negatives * negative).sum(1)  # (P, D)
        if swapped:
            of_centre = (positive + negatives.sum(1)) * centre
            return of_centre, positive * context, negatives * negative
        return of_centre, positive * centre, negatives * centre[:, None]

    return gradients


def _naive_sigmoid(scores: Tensor) -> Tensor:
    return scores.exp() / (1 + scores.exp())


def _without_hits(centres, contexts, pairs, negatives):
    hits = (negatives == pairs[:, 1:])[..., None]
    return _gradients_variant(
        of_vectors=lambda *vectors: _skip(chapter.negative_sampling_gradients(*vectors), vectors, hits)
    )(centres, contexts, pairs, negatives)


def _skip(gradients: tuple[Tensor, ...], vectors: tuple[Tensor, ...], hits: Tensor) -> tuple[Tensor, ...]:
    """The gradients without what negatives contribute that are the word that was seen; hits: (P, K, 1)."""
    centre, _, negative = vectors
    errors = (negative @ centre[..., None]).sigmoid() * hits  # (P, K, 1)
    return gradients[0] - (errors * negative).sum(1), gradients[1], gradients[2] * ~hits


def _wrong_where_words_repeat(arguments: dict[str, Any], answer: tuple, expected: tuple) -> str | None:
    """Is the answer right for words that come up once, and wrong only for those that come up again?"""
    pairs, negatives = arguments["pairs"], arguments["negatives"]
    once = []
    for mine, right, ids in zip(answer, expected, (pairs[:, 0], torch.cat([pairs[:, 1:], negatives], 1)), strict=True):
        if not is_tensor(mine) or mine.shape != right.shape:
            return None
        times = ids.flatten().bincount(minlength=len(right))  # (V,)
        wrong = ((mine - right).abs() > TOLERANCE).any(-1)  # (V,)
        if wrong[times < 2].any():
            return None
        once.append((times == 1).any().item())
    return REPEATS if any(once) else None


skip_gram_gradients = DiagnosedTask(
    name="skip_gram_gradients",
    reference=reference_gradients,
    outputs=("the gradient of the centres", "the gradient of the contexts"),
    visible=visible_batch,
    hidden=hidden_batch,
    tolerance=TOLERANCE,
    suspect=_wrong_where_words_repeat,
    mistakes=(
        Mistake(
            REPEATS,
            _gradients_variant(add=_overwrite),
            "A word that comes up several times in the batch keeps only its last gradient: table[ids] += g writes each "
            "row once, whatever was there before. Add up with index_add_ or index_put_(accumulate=True); in numpy, "
            "with np.add.at.",
        ),
        Mistake(
            "uphill",
            _gradients_variant(change=lambda *gradients: [-gradient for gradient in gradients]),
            "All signs are the other way round: this is the step downhill, the negative of the gradient.",
        ),
        Mistake(
            "seen words pushed away",
            _gradients_variant(of_vectors=_vector_gradients(seen=torch.sigmoid)),
            "The error of a pair that was seen is its probability minus 1: it was right to say yes.",
        ),
        Mistake(
            "negatives pulled closer",
            _gradients_variant(of_vectors=_vector_gradients(drawn=lambda scores: scores.sigmoid() - 1)),
            "The error of a negative is its probability itself, since the right answer is 0. You have subtracted 1.",
        ),
        Mistake(
            "sigmoid forgotten",
            _gradients_variant(of_vectors=_vector_gradients(lambda scores: scores - 1, lambda scores: scores)),
            "The errors are made of the scores themselves. Each score goes through a sigmoid first.",
        ),
        Mistake(
            "own vector instead of the other",
            _gradients_variant(of_vectors=_vector_gradients(swapped=True)),
            "Each vector's gradient is a multiple of itself here. The derivative of u . v by v is u, and by u it is v.",
        ),
        Mistake(
            "centre learns from the seen alone",
            _gradients_variant(of_vectors=lambda centre, context, negative: _centre_from(centre, context, negative)),
            "The negatives are missing in the gradient of the centres: it is pushed away from each of them.",
        ),
        Mistake(
            "negatives do not learn",
            _gradients_variant(change=lambda centre, context, negative: (centre, context, 0 * negative)),
            "The rows of the negatives get no gradient. They are rows of the table of contexts, like the word that was "
            "seen.",
        ),
        Mistake(
            "hits left out",
            _without_hits,
            "A negative that happens to be the word that was seen is left out. It counts like any other; word2vec has "
            "too many words for this to matter.",
        ),
        Mistake(
            "mean of the batch",
            _gradients_variant(finish=lambda centres, contexts, pairs: (centres / len(pairs), contexts / len(pairs))),
            "This is the gradient of the mean loss, divided by P. Return that of the sum over all pairs.",
        ),
        Mistake(
            "tables swapped",
            _gradients_variant(finish=lambda centres, contexts, pairs: (contexts, centres)),
            "The two gradients have changed places: first that of the centres, then that of the contexts.",
        ),
        Mistake(
            "exponentials overflow",
            _gradients_variant(of_vectors=_vector_gradients(lambda s: _naive_sigmoid(s) - 1, _naive_sigmoid)),
            "A large score makes the gradient nan: exp(200) is infinite in single precision, and infinity divided by "
            "infinity is not a number. Use torch.sigmoid.",
            visible=False,
        ),
    ),
)


def _centre_from(centre: Tensor, context: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    _, of_context, of_negative = chapter.negative_sampling_gradients(centre, context, negative)
    return ((centre * context).sum(-1, keepdim=True).sigmoid() - 1) * context, of_context, of_negative


# Task 4a: neighbours -------------------------------------------------------------------------------------------------

NEAR = 1e-3  # two cosines are either equal, or this far apart
TIES, DROPPED = "order of ties", "the first dropped"


def draw_directions(words: int, width: int, g: torch.Generator) -> Tensor:
    """Vectors of all lengths between 1/4 and 4."""
    return torch.randn(words, width, generator=g) * 4 ** (2 * torch.rand(words, 1, generator=g) - 1)


def draw_corners(words: int, g: torch.Generator) -> Tensor:
    """Corners of a cube: of their cosines, which are exact in any precision, many are equal."""
    return 2.0 * torch.randint(2, (words, 4), generator=g) - 1


def _told_apart(scores: Tensor, tied: bool) -> bool:
    """Is the order of each row the same for all who round differently?"""
    gaps = scores.sort(-1).values.diff(dim=-1)
    return bool(((gaps > NEAR) | (tied & (gaps == 0))).all())


def _cosines(vectors: Tensor, wanted: Tensor) -> Tensor:
    return F.normalize(wanted, dim=-1) @ F.normalize(vectors, dim=-1).T  # (Q, V)


def draw_neighbours(words: int, width: int, asked: int, k: int, g: torch.Generator) -> dict:
    """Words without ties, or every other time with many."""
    tied = bool(size(0, 1, g))
    while True:
        vectors = draw_corners(words, g) if tied else draw_directions(words, width, g)
        ids = torch.randperm(words, generator=g)[:asked]
        if _told_apart(_cosines(vectors, vectors[ids]), tied):
            return dict(vectors=vectors, ids=ids, k=k)


def hidden_neighbours(g: torch.Generator) -> dict:
    """Other sizes; a single question, a single answer, or all words but the one that is asked."""
    words = size(5, 20, g)
    return draw_neighbours(words, size(3, 8, g), size(1, 4, g), (1, size(2, 4, g), words - 1)[size(0, 2, g)], g)


def reference_nearest_words(vectors: Tensor, ids: Tensor, k: int) -> Tensor:
    """Ids of the words whose vectors make the smallest angle with that of each word asked, without the word itself.

    Args:
        vectors: (V, D).
        ids: (Q,), the words asked.
        k: how many.

    Returns:
        (Q, k), the nearest first; of equally near ones the smaller id first.

    >>> reference_nearest_words(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), torch.tensor([0, 1]), 1).tolist()
    [[2], [2]]
    """
    return _nearest_variant()(vectors, ids, k)


def _first(scores: Tensor, k: int) -> Tensor:
    return scores.argsort(dim=-1, descending=True, stable=True)[:, :k]  # topk makes no promise about ties


def _last_of_equals(scores: Tensor, k: int) -> Tensor:
    return scores.argsort(dim=-1, stable=True).flip(-1)[:, :k]


def _itself(scores: Tensor, ids: Tensor) -> Tensor:
    return scores.scatter(1, ids.view(len(scores), -1), -math.inf)


def _right_but_for_ties(scores: Callable[..., tuple[Tensor, Tensor]]) -> Callable:
    """Has an answer words with the right scores, but others of them?

    Args:
        scores: of all words, (Q, V), and the words that are barred, (Q, ...), from the arguments.
    """

    def suspect(arguments: dict[str, Any], answer: tuple, expected: tuple) -> str | None:
        (mine,), (right,), (table, barred) = answer, expected, scores(**arguments)
        whole = is_tensor(mine) and mine.dtype in (torch.int32, torch.int64) and mine.shape == right.shape
        if not whole or mine.min() < 0 or mine.max() >= table.size(1):
            return None
        mine, right = (ids.long().view(len(table), -1) for ids in (mine, right))  # (Q, k)
        if ((table.gather(1, mine) - table.gather(1, right)).abs() > NEAR).any():
            return None
        return DROPPED if (mine[..., None] == barred.view(len(table), 1, -1)).any() else TIES

    return suspect


def _nearest_variant(score=_cosines, leave_out=_itself, first=_first):
    """Neighbours with one thing changed, to make mistakes from."""
    return lambda vectors, ids, k: first(leave_out(score(vectors, vectors[ids]), ids), k)


def _all_asked(scores: Tensor, ids: Tensor) -> Tensor:
    return scores.index_fill(1, ids.flatten(), -math.inf)


nearest_words = DiagnosedTask(
    name="nearest_words",
    reference=reference_nearest_words,
    outputs=("the table of neighbours",),
    visible=lambda g: draw_neighbours(10, 5, 3, 4, g),
    hidden=hidden_neighbours,
    suspect=_right_but_for_ties(lambda vectors, ids, k: (_cosines(vectors, vectors[ids]), ids)),
    mistakes=(
        Mistake(
            "the word itself",
            _nearest_variant(leave_out=lambda scores, ids: scores),
            "Every word is its own nearest neighbour. Leave it out.",
        ),
        Mistake(
            "dot products",
            _nearest_variant(score=lambda vectors, wanted: wanted @ vectors.T),
            "These are the largest dot products: long vectors are preferred, and frequent words have long vectors. "
            "Compare directions, by the cosine.",
        ),
        Mistake(
            "distances",
            _nearest_variant(score=lambda vectors, wanted: -torch.cdist(wanted.double(), vectors.double())),
            "These are the shortest distances between the vectors as they are. The angle is what counts: divide each "
            "vector by its length first.",
        ),
        Mistake(
            "farthest first",
            _nearest_variant(
                leave_out=lambda scores, ids: -_itself(-scores, ids),
                first=lambda scores, k: scores.argsort(dim=-1, stable=True)[:, :k],
            ),
            "The order is the wrong way round: the smallest cosine comes first.",
        ),
        Mistake(
            "sign of the cosine lost",
            _nearest_variant(score=lambda vectors, wanted: _cosines(vectors, wanted).abs()),
            "A cosine of -1 counts as much as one of 1 here. It is the opposite direction.",
        ),
        Mistake(
            TIES,
            _nearest_variant(first=_last_of_equals),
            "Words that are equally near are in another order: the smaller id comes first. topk promises nothing about "
            "ties, and an ascending order turned round has them the wrong way round. Sort with descending=True and "
            "stable=True.",
        ),
        Mistake(
            DROPPED,
            lambda vectors, ids, k: _first(_cosines(vectors, vectors[ids]), k + 1)[:, 1:],
            "The first of each ranking is dropped, as if it were the word itself. Where another word points exactly "
            "the same way, it may be that one. Leave the word out by its id.",
        ),
    ),
)

# Task 4b: analogies --------------------------------------------------------------------------------------------------


def draw_analogies(words: int, width: int, asked: int, g: torch.Generator) -> dict:
    """Questions of three different words, without ties, or every other time with many."""
    tied = bool(size(0, 1, g))
    while True:
        vectors = draw_corners(words, g) if tied else draw_directions(words, width, g)
        questions = torch.stack([torch.randperm(words, generator=g)[:3] for _ in range(asked)])  # (Q, 3)
        wanted = _wanted(vectors, questions)
        if _told_apart(wanted @ F.normalize(vectors, dim=-1).T, tied):
            return dict(vectors=vectors, questions=questions)


def _wanted(vectors: Tensor, questions: Tensor, signs=(-1, 1, 1), directions=F.normalize) -> Tensor:
    """The sum of the three with these signs: (Q, D)."""
    return (directions(vectors)[questions] * torch.tensor(signs)[:, None]).sum(1)


def reference_solve_analogies(vectors: Tensor, questions: Tensor) -> Tensor:
    """For each (a, b, c) the word whose direction is nearest to that of b - a + c, all taken at length 1.

    Args:
        vectors: (V, D).
        questions: (Q, 3), ids.

    Returns:
        (Q,), ids, never one of the question; of equally near ones the smallest.

    >>> square = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> reference_solve_analogies(square, torch.tensor([[0, 1, 3]])).tolist()  # the way from 0 to 1, taken from 3
    [2]
    """
    return _analogies_variant()(vectors, questions)


def _analogies_variant(
    signs=(-1, 1, 1),
    directions=F.normalize,
    of_candidates=F.normalize,
    leave_out=_itself,
    first=_first,
):
    """Analogies with one thing changed, to make mistakes from."""

    def solve(vectors, questions):
        scores = _wanted(vectors, questions, signs, directions) @ of_candidates(vectors).T  # (Q, V)
        return first(leave_out(scores, questions), 1)[:, 0]

    return solve


def _analogy_scores(vectors: Tensor, questions: Tensor) -> tuple[Tensor, Tensor]:
    return _wanted(vectors, questions) @ F.normalize(vectors, dim=-1).T, questions  # (Q, V), (Q, 3)


def _three_cos_mul(vectors, questions):
    a, b, c = ((_cosines(vectors, vectors[ids]) + 1) / 2 for ids in questions.unbind(1))  # (Q, V) each
    return _first(_itself(b * c / (a + 1e-3), questions), 1)[:, 0]


solve_analogies = DiagnosedTask(
    name="solve_analogies",
    reference=reference_solve_analogies,
    outputs=("the list of answers",),
    visible=lambda g: draw_analogies(10, 5, 8, g),
    hidden=lambda g: draw_analogies(size(6, 20, g), size(3, 8, g), size(1, 9, g), g),
    suspect=_right_but_for_ties(_analogy_scores),
    mistakes=(
        Mistake(
            "words of the question allowed",
            _analogies_variant(leave_out=lambda scores, questions: scores),
            "Some answers are words of their own question: b or c is nearly always the nearest to b - a + c. Leave all "
            "three out.",
        ),
        Mistake(
            "only c left out",
            _analogies_variant(leave_out=lambda scores, questions: _itself(scores, questions[:, 2:])),
            "Some answers are a or b. Leave out all three words of the question, not c alone.",
        ),
        Mistake(
            "only b and c left out",
            _analogies_variant(leave_out=lambda scores, questions: _itself(scores, questions[:, 1:])),
            "Some answers are a. Leave out all three words of the question.",
        ),
        Mistake(
            "a and b exchanged",
            _analogies_variant(signs=(1, -1, 1)),
            "This is a - b + c, the way back. From a to b, and the same way from c: b - a + c.",
        ),
        Mistake(
            "a and c exchanged",
            _analogies_variant(signs=(1, 1, -1)),
            "This is a + b - c. What b has and a lacks is added to c: b - a + c.",
        ),
        Mistake(
            "nothing subtracted",
            _analogies_variant(signs=(1, 1, 1)),
            "This is the word nearest to the sum of all three. a is subtracted.",
        ),
        Mistake(
            "lengths in the sum",
            _analogies_variant(directions=lambda vectors: vectors),
            "The three vectors are added as they are, so that the longest decides. Divide each by its length first.",
        ),
        Mistake(
            "lengths of the candidates",
            _analogies_variant(of_candidates=lambda vectors: vectors),
            "The sum is compared by dot products with vectors as they are, which prefers long ones. Divide each by its "
            "length.",
        ),
        Mistake(
            "multiplied",
            _three_cos_mul,
            "This multiplies the three cosines (3CosMul, Levy and Goldberg). Here they are added.",
        ),
        Mistake(
            TIES,
            _analogies_variant(first=_last_of_equals),
            "Of several words that are equally near, another one is taken than that with the smallest id. argmax takes "
            "the smallest.",
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-sign": (
        "sigmoid() - 1",
        "sigmoid()",
        "seen words pushed away",
    ),
    "wrong-window": (
        "(near & together).nonzero()",
        "near.nonzero()",
        "across the sentence's end",
    ),
    "wrong-length": (
        "directions[questions].unbind(1)",
        "vectors[questions].unbind(1)",
        "lengths in the sum",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-2", "from seq2bert.word2vec import draw_negatives, negative_probabilities as noise_probabilities")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name: here, of vectors that agree with people."""
    said = {f"{first} {second}": round(rating / 10, 3) for first, second, rating in rated_pairs()}
    return {"predictions.json": json.dumps(said, indent=0), "metrics.json": json.dumps({"pairs": len(said)})}
