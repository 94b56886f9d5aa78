"""Assignment 04: the scores, masked softmax, a look back, reading an alignment.

The marks of the experiment are in `attention_experiment`; the notebook finds them here, too.
"""

import json
import math
from functools import cache

import torch
from torch import Tensor
from torch.func import functional_call

from seq2bert import attention as chapter
from seq2bert import pretrained
from seq2bert.checks.attention_experiment import (
    experiment_points,
    experiment_words,
    gain_points,
    held_out_words,
    predicted_gain,
    predicted_per,
    predictions,
)
from seq2bert.checks.task import Mistake, Task
from seq2bert.data import g2p
from seq2bert.seq2seq import write
from seq2bert.sequences import padding_mask

__all__ = [  # what the notebook calls
    "additive_scores",
    "alignment_path",
    "attention_entropy",
    "dot_scores",
    "experiment_points",
    "experiment_words",
    "gain_points",
    "general_scores",
    "look_back",
    "masked_softmax",
    "predicted_gain",
    "predicted_per",
    "predictions",
]


def size(low: int, high: int, g: torch.Generator) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=g))


def draw_states(batch: int, steps: int, places: int, width: int, g: torch.Generator) -> dict[str, Tensor]:
    """States of a decoder (B, T, H) and outputs of an encoder (B, S, H)."""
    return dict(
        query=torch.randn(batch, steps, width, generator=g), memory=torch.randn(batch, places, width, generator=g)
    )


def visible_states(g: torch.Generator) -> dict[str, Tensor]:
    """States of one shape: no axis is 1 long, and no two axes are alike."""
    return draw_states(2, 3, 4, 5, g)


def hidden_states(g: torch.Generator) -> dict[str, Tensor]:
    """States of any shape, from a batch of one and a single step on; the width is not the visible one."""
    return draw_states(size(1, 3, g), size(1, 4, g), size(2, 7, g), 6, g)


def matrices(width: int, rows: dict[str, int], g: torch.Generator) -> dict[str, Tensor]:
    """Weights (rows, H) in the layout of torch's Linear, such that products with them are about as large as before."""
    return {name: width**-0.5 * torch.randn(rows[name], width, generator=g) for name in rows}


# Task 1a: dot --------------------------------------------------------------------------------------------------------


def reference_dot_scores(query, memory) -> Tensor:
    """The scores (B, T, S) of the chapter's DotScore."""
    return chapter.DotScore(query.size(-1))(query, memory)


TRANSPOSED = (
    "Rows and columns have changed places: one row for each query, one column for each source position, (B, T, S)."
)
SOFTMAX_ALREADY = (
    "These went through a softmax already. Scores are any numbers; turning them into weights is the next task."
)
SCALED = "These are divided by sqrt(H). That is the Transformer's score, in the next chapter; here nothing is scaled."
SQUEEZED = (
    "squeeze() takes away every axis that is 1 long, so a batch of one or a single step loses its own. "
    "Say which axis: squeeze(-1)."
)


dot_scores = Task(
    name="dot_scores",
    reference=reference_dot_scores,
    outputs=("the scores",),
    visible=visible_states,
    hidden=hidden_states,
    mistakes=(
        Mistake("scaled", lambda query, memory: query @ memory.mT / query.size(-1) ** 0.5, SCALED),
        Mistake(
            "mean for sum",
            lambda query, memory: query @ memory.mT / query.size(-1),
            "The products are averaged over the width. A dot product adds them up.",
        ),
        Mistake(
            "cosine",
            lambda query, memory: (
                query / query.norm(dim=-1, keepdim=True) @ (memory / memory.norm(dim=-1, keepdim=True)).mT
            ),
            "These are cosines: the vectors were scaled to length 1 first. In a dot product long vectors speak louder.",
        ),
        Mistake("transposed", lambda query, memory: memory @ query.mT, TRANSPOSED),
        Mistake(
            "batches mixed",
            lambda query, memory: query @ memory.sum(0).T,
            "Every query was scored against the memories of the whole batch. Each has its own source: keep b in both, "
            "as in query @ memory.mT or einsum('bth,bsh->bts').",
        ),
        Mistake("softmax already", lambda query, memory: (query @ memory.mT).softmax(-1), SOFTMAX_ALREADY),
        Mistake(
            "distances",
            lambda query, memory: torch.cdist(query, memory),
            "These are distances: small where two vectors are alike. A score is large there.",
        ),
        Mistake("squeezed", lambda query, memory: (query @ memory.mT).squeeze(), SQUEEZED, visible=False),
    ),
)

# Task 1b: general ----------------------------------------------------------------------------------------------------


@cache  # making a module takes longer than asking it
def _score(name: str, width: int) -> chapter.nn.Module:
    return chapter.SCORES[name](width)


def reference_general_scores(query, memory, weight) -> Tensor:
    """The scores (B, T, S) of the chapter's GeneralScore with the given weight; differentiable."""
    return functional_call(_score("general", query.size(-1)), {"key.weight": weight}, (query, memory))


def with_weight(states: dict[str, Tensor], g: torch.Generator) -> dict[str, Tensor]:
    """The states and a matrix (H, H)."""
    width = states["query"].size(-1)
    return states | matrices(width, {"weight": width}, g)


general_scores = Task(
    name="general_scores",
    reference=reference_general_scores,
    outputs=("the scores",),
    visible=lambda g: with_weight(visible_states(g), g),
    hidden=lambda g: with_weight(hidden_states(g), g),
    mistakes=(
        Mistake(
            "weight not transposed",
            lambda query, memory, weight: query @ (memory @ weight).mT,
            "This is q . (W^T m). The weight is laid out as in torch's Linear, (out, in): "
            "W m, for rows of m, is memory @ weight.T.",
        ),
        Mistake(
            "weight forgotten",
            lambda query, memory, weight: query @ memory.mT,
            "This is the plain dot product; the weight is not used.",
        ),
        Mistake(
            "weight on both",
            lambda query, memory, weight: query @ weight.T @ (memory @ weight.T).mT,
            "The weight is applied to the query, too. Only the memory is seen through W: q . (W m).",
        ),
        Mistake(
            "through a tanh",
            lambda query, memory, weight: query @ (memory @ weight.T).tanh().mT,
            "W m went through a tanh. The general score has none; the additive one has.",
        ),
        Mistake(
            "scaled",
            lambda query, memory, weight: query @ (memory @ weight.T).mT / query.size(-1) ** 0.5,
            SCALED,
        ),
        Mistake("transposed", lambda query, memory, weight: memory @ weight.T @ query.mT, TRANSPOSED),
        Mistake(
            "softmax already",
            lambda query, memory, weight: (query @ (memory @ weight.T).mT).softmax(-1),
            SOFTMAX_ALREADY,
        ),
        Mistake(
            "squeezed",
            lambda query, memory, weight: (query @ (memory @ weight.T).mT).squeeze(),
            SQUEEZED,
            visible=False,
        ),
    ),
)

# Task 1c: additive ---------------------------------------------------------------------------------------------------


def reference_additive_scores(query, memory, query_weight, key_weight, value_weight) -> Tensor:
    """The scores (B, T, S) of the chapter's AdditiveScore with the given weights; differentiable."""
    weights = {"query.weight": query_weight, "key.weight": key_weight, "value.weight": value_weight}
    return functional_call(_score("additive", query.size(-1)), weights, (query, memory))


def with_three_weights(states: dict[str, Tensor], g: torch.Generator) -> dict[str, Tensor]:
    """The states, two matrices (H, H) and a row (1, H)."""
    width = states["query"].size(-1)
    return states | matrices(width, {"query_weight": width, "key_weight": width, "value_weight": 1}, g)


def _additive_variant(
    inner=torch.add,
    activation=torch.tanh,
    swap=False,
    transpose=True,
    value=True,
    finish=lambda scores: scores.squeeze(-1),
):
    """The additive score with one thing changed, to make mistakes from."""

    def scores(query, memory, query_weight, key_weight, value_weight):
        if swap:
            query_weight, key_weight = key_weight, query_weight
        if transpose:
            query_weight, key_weight = query_weight.T, key_weight.T
        asked, offered = (query @ query_weight).unsqueeze(2), (memory @ key_weight).unsqueeze(1)
        pairs = activation(inner(asked, offered))  # (B, T, S, H)
        return finish(pairs @ value_weight.T if value else pairs.sum(-1, keepdim=True))

    return scores


additive_scores = Task(
    name="additive_scores",
    reference=reference_additive_scores,
    outputs=("the scores",),
    visible=lambda g: with_three_weights(visible_states(g), g),
    hidden=lambda g: with_three_weights(hidden_states(g), g),
    mistakes=(
        Mistake(
            "tanh forgotten",
            _additive_variant(activation=lambda pairs: pairs),
            "The tanh is missing. Without it v . W q is the same for all source positions, and the softmax takes away "
            "what is the same: the query would have no say.",
        ),
        Mistake(
            "tanh too early",
            _additive_variant(
                inner=lambda asked, offered: asked.tanh() + offered.tanh(), activation=lambda pairs: pairs
            ),
            "W q and U m went through a tanh each, and were added then. Add first: tanh(W q + U m). "
            "Otherwise the query adds the same to all source positions, and has no say.",
        ),
        Mistake(
            "tanh too late",
            _additive_variant(activation=lambda pairs: pairs, finish=lambda scores: scores.squeeze(-1).tanh()),
            "The tanh is around the whole score. It belongs inside: v . tanh(W q + U m).",
        ),
        Mistake(
            "multiplied",
            _additive_variant(inner=torch.mul),
            "W q and U m are multiplied. The score is called additive because they are added.",
        ),
        Mistake(
            "sigmoid for tanh",
            _additive_variant(activation=torch.sigmoid),
            "The sum went through a sigmoid; here it is a tanh.",
        ),
        Mistake(
            "weights swapped",
            _additive_variant(swap=True),
            "query_weight and key_weight have changed places: one belongs to the query, the other to the memory.",
        ),
        Mistake(
            "weights not transposed",
            _additive_variant(transpose=False),
            "The weights are laid out as in torch's Linear, (out, in): W q, for rows of q, is query @ query_weight.T.",
        ),
        Mistake(
            "value forgotten",
            _additive_variant(value=False),
            "The tanh is summed over its width, each number alike. value_weight says how much each of them counts.",
        ),
        Mistake(
            "an axis too many",
            _additive_variant(finish=lambda scores: scores),
            "The last axis, 1 long, is still there: a product with value_weight.T leaves (B, T, S, 1). squeeze(-1) it.",
        ),
        Mistake("transposed", _additive_variant(finish=lambda scores: scores.squeeze(-1).mT), TRANSPOSED),
        Mistake("squeezed", _additive_variant(finish=torch.squeeze), SQUEEZED, visible=False),
    ),
)

# Task 2: from scores to weights --------------------------------------------------------------------------------------


def draw_scores(g: torch.Generator) -> dict[str, Tensor]:
    """Scores (B, T, S) and a mask of padding (B, 1, S): the first source has none, every other one has some."""
    lengths = torch.cat([torch.tensor([5]), torch.randint(1, 5, (2,), generator=g)])
    return dict(scores=2 * torch.randn(3, 4, 5, generator=g), mask=padding_mask(lengths).unsqueeze(1))


def draw_hard_scores(g: torch.Generator) -> dict[str, Tensor]:
    """Scores of two to four axes, and a mask (T, S) with holes, another one for each step.

    Row 0 lies so high that its exponentials are infinite, row 1 so low that they are 0, and in row 2 what is masked
    lies far above all that is not.
    """
    steps, places = size(3, 5, g), size(3, 8, g)
    shape = [(), (2,), (1, 3)][size(0, 2, g)]
    mask = torch.rand(steps, places, generator=g) < 0.5  # (T, S)
    mask[:, :2] = torch.tensor([True, False])  # something of each in every row
    mask = mask.gather(1, torch.stack([torch.randperm(places, generator=g) for _ in range(steps)]))
    scores = 2 * torch.randn(*shape, steps, places, generator=g)  # (..., T, S)
    scores[..., 0, :] += 1000
    scores[..., 1, :] -= 1000
    scores[..., 2, :] += 1000 * ~mask[2]
    return dict(scores=scores, mask=mask)


def _weighed(exponentials: Tensor) -> Tensor:
    return exponentials / exponentials.sum(-1, keepdim=True)


masked_softmax = Task(
    name="masked_softmax",
    reference=chapter.masked_softmax,
    outputs=("the weights",),
    visible=draw_scores,
    hidden=draw_hard_scores,
    tolerance=1e-4,  # scores of 1000 have a grain of 6e-5 in single precision
    mistakes=(
        Mistake(
            "mask after the softmax",
            lambda scores, mask: scores.softmax(-1) * mask,
            "Masked positions took part in the sum before they were set to 0, so the rows sum to less than 1. "
            "Mask the scores, then take the softmax.",
        ),
        Mistake(
            "scores set to 0",
            lambda scores, mask: (scores * mask).softmax(-1),
            "A score of 0 is a score like any other: its exponential is 1. What is masked needs minus infinity.",
        ),
        Mistake(
            "mask inverted",
            lambda scores, mask: scores.masked_fill(mask, float("-inf")).softmax(-1),
            "The mask is the wrong way round. Here True may be looked at, and masked_fill fills where it is True.",
        ),
        Mistake(
            "mask ignored",
            lambda scores, mask: scores.softmax(-1),
            "The mask is not used: padding is looked at like everything else.",
        ),
        Mistake(
            "mask added",
            lambda scores, mask: (scores + mask).softmax(-1),
            "Added to a score, the mask is 1 or 0: that only nudges it. What is masked needs minus infinity.",
        ),
        Mistake(
            "softmax over the steps",
            lambda scores, mask: scores.masked_fill(~mask, float("-inf")).softmax(-2),
            "Each column sums to 1. The weights of one query, a row, must sum to 1: softmax over the last axis.",
        ),
        Mistake(
            "the best alone",
            lambda scores, mask: torch.nn.functional.one_hot(
                scores.masked_fill(~mask, float("-inf")).argmax(-1), scores.size(-1)
            ).float(),
            "All the weight went to the best position. A softmax gives every allowed position its share.",
        ),
        Mistake(
            "not normalised",
            lambda scores, mask: scores.masked_fill(~mask, float("-inf")).exp(),
            "These are exponentials. Divide each row by its sum.",
        ),
        Mistake(
            "logarithms",
            lambda scores, mask: scores.masked_fill(~mask, float("-inf")).log_softmax(-1),
            "These are the logarithms of the weights. Return the weights.",
        ),
        Mistake(
            "one row of the mask for all",
            lambda scores, mask: chapter.masked_softmax(scores, mask[..., :1, :]),
            "All queries were given the mask of the first. The mask broadcasts to the scores: "
            "where it has a row for each query, each has its own.",
            visible=False,
        ),
        Mistake(
            "exponentials overflow",
            lambda scores, mask: _weighed(scores.exp() * mask),
            "exp(1000) is infinite, and infinity divided by infinity is not a number. Use torch's softmax, or subtract "
            "the largest score of each row first; the weights stay as they are.",
            visible=False,
        ),
        Mistake(
            "the largest score of all",
            lambda scores, mask: _weighed((scores - scores.max()).exp() * mask),
            "The largest score of all rows was subtracted, so in a row far below it all exponentials are 0. "
            "Each row needs its own largest score.",
            visible=False,
        ),
        Mistake(
            "the largest score is a masked one",
            lambda scores, mask: _weighed((scores - scores.max(-1, keepdim=True).values).exp() * mask),
            "The largest score was looked for before the mask was applied. If it is a masked one, far above the "
            "others, all exponentials that count are 0.",
            visible=False,
        ),
    ),
)

# Task 3: a look back -------------------------------------------------------------------------------------------------


def reference_look_back(query, memory, mask, weight) -> tuple[Tensor, Tensor]:
    """Contexts (B, T, H) and weights (B, T, S) of the chapter's Attention with a general score; differentiable."""
    return functional_call(_attention(query.size(-1)), {"score.key.weight": weight}, (query, memory, mask))


@cache
def _attention(width: int) -> chapter.Attention:
    return chapter.Attention("general", width)


def draw_look(g: torch.Generator) -> dict[str, Tensor]:
    """States, a weight, and a mask of padding (B, S): the first source has none, every other one has some."""
    lengths = torch.cat([torch.tensor([5]), torch.randint(1, 5, (2,), generator=g)])
    return with_weight(draw_states(3, 4, 5, 6, g), g) | dict(mask=padding_mask(lengths))


def draw_hard_look(g: torch.Generator) -> dict[str, Tensor]:
    """States of any shape, from a batch of one and a single step on; a mask with holes; scores that can be large.

    The memory is large where it is masked.
    """
    states = draw_states(size(1, 3, g), size(1, 4, g), size(3, 8, g), 7, g)
    batch, places = states["memory"].shape[:2]
    mask = torch.rand(batch, places, generator=g) < 0.5  # (B, S)
    mask[:, :3] = torch.tensor([True, False, True])  # no mask is that of a length
    states["query"][0] *= 100
    states["memory"][~mask] *= 100
    return with_weight(states, g) | dict(mask=mask)


def _look_variant(
    score=reference_general_scores,
    weigh=lambda scores, mask: chapter.masked_softmax(scores, mask.unsqueeze(1)),
    find=lambda weights, memory, mask, weight: weights @ memory,
    finish=lambda contexts, weights: (contexts, weights),
):
    """A look back with one thing changed, to make mistakes from."""

    def look(query, memory, mask, weight):
        weights = weigh(score(query, memory, weight), mask)  # (B, T, S)
        return finish(find(weights, memory, mask, weight), weights)

    return look


def _plain_mean(weights, memory, mask, weight):
    real = mask.unsqueeze(-1)  # (B, S, 1)
    return ((memory * real).sum(1) / real.sum(1)).unsqueeze(1).expand(-1, weights.size(1), -1)


def _best_alone(weights, memory, mask, weight):
    return memory.gather(1, weights.argmax(-1, keepdim=True).expand(-1, -1, memory.size(-1)))


look_back = Task(
    name="look_back",
    reference=reference_look_back,
    outputs=("contexts", "weights"),
    visible=draw_look,
    hidden=draw_hard_look,
    tolerance=1e-3,  # hidden scores reach several hundred
    mistakes=(
        Mistake(
            "weight forgotten",
            _look_variant(score=lambda query, memory, weight: query @ memory.mT),
            "The scores are plain dot products; the weight is not used: q . (W m).",
        ),
        Mistake(
            "weight not transposed",
            _look_variant(score=lambda query, memory, weight: query @ (memory @ weight).mT),
            "The scores are q . (W^T m). The weight is laid out as in torch's Linear, (out, in): memory @ weight.T.",
        ),
        Mistake(
            "scaled",
            _look_variant(score=lambda query, memory, weight: query @ (memory @ weight.T).mT / query.size(-1) ** 0.5),
            SCALED,
        ),
        Mistake(
            "mask ignored",
            _look_variant(weigh=lambda scores, mask: scores.softmax(-1)),
            "The mask is not used: padding is looked at, and is part of the mean.",
        ),
        Mistake(
            "mask after the softmax",
            _look_variant(weigh=lambda scores, mask: scores.softmax(-1) * mask.unsqueeze(1)),
            "Masked positions took part in the softmax, so the weights of the others sum to less than 1. Mask first.",
        ),
        Mistake(
            "softmax over the steps",
            _look_variant(weigh=lambda scores, mask: scores.softmax(1) * mask.unsqueeze(1)),
            "The softmax went over the decoder's steps. Each step shares its look among the source positions: the last "
            "axis.",
        ),
        Mistake(
            "mean of W m",
            _look_variant(find=lambda weights, memory, mask, weight: weights @ (memory @ weight.T)),
            "The mean was taken of W m. W only helps to find; what is found is the memory itself.",
        ),
        Mistake(
            "plain mean",
            _look_variant(find=_plain_mean),
            "The weights are right, but the contexts are plain means: every real position counts alike. "
            "Multiply each with its weight.",
        ),
        Mistake(
            "the best alone",
            _look_variant(find=_best_alone),
            "The weights are right, but only the memory at the best position was taken. The context is a mean.",
        ),
        Mistake(
            "outputs swapped",
            _look_variant(finish=lambda contexts, weights: (weights, contexts)),
            "Contexts and weights have changed places.",
        ),
        Mistake(
            "scores for weights",
            lambda query, memory, mask, weight: (
                reference_look_back(query, memory, mask, weight)[0],
                reference_general_scores(query, memory, weight),
            ),
            "The contexts are right; the second value holds the scores. Return the weights, after the softmax.",
        ),
        Mistake(
            "a length for a mask",
            _look_variant(
                weigh=lambda scores, mask: chapter.masked_softmax(
                    scores, padding_mask(mask.sum(-1), mask.size(-1)).unsqueeze(1)
                )
            ),
            "You took as many positions from the beginning as the mask allows. It may allow any: ask it about each.",
            visible=False,
        ),
        Mistake(
            "exponentials overflow",
            _look_variant(weigh=lambda scores, mask: _weighed(scores.exp() * mask.unsqueeze(1))),
            "exp(100) is infinite in single precision, and infinity divided by infinity is not a number. Use torch's "
            "softmax, which subtracts the largest score first.",
            visible=False,
        ),
        Mistake(
            "squeezed",
            _look_variant(finish=lambda contexts, weights: (contexts.squeeze(), weights.squeeze())),
            "squeeze() takes away every axis that is 1 long, so a batch of one or a single step loses its own. "
            "Keep all three.",
            visible=False,
        ),
    ),
)

# Task 4: reading an alignment ----------------------------------------------------------------------------------------


def draw_alignment(batch: int, steps: int, places: int, g: torch.Generator) -> dict[str, Tensor]:
    """Weights (B, T, S) that are 0 on a source's padding, and the lengths of the targets (B,).

    The first target is the longest, and every other one has padding; the steps on padding look somewhere, too. No
    two positions are nearly the best.
    """
    source = torch.cat([torch.tensor([places]), torch.randint(2, places, (batch - 1,), generator=g)])
    target = torch.cat([torch.tensor([steps]), torch.randint(1, steps, (batch - 1,), generator=g)])
    scores = 2 * torch.randn(batch, steps, places, generator=g)  # (B, T, S)
    weights = chapter.masked_softmax(scores, padding_mask(source, places).unsqueeze(1))  # (B, T, S)
    best = weights.topk(2).values  # (B, T, 2)
    if (best[..., 0] - best[..., 1]).min() < 1e-3:
        return draw_alignment(batch, steps, places, g)
    return dict(weights=weights, target_lengths=target)


def draw_hard_alignment(g: torch.Generator) -> dict[str, Tensor]:
    """Alignments of any shape, from a batch of one on; in half of them, the first two steps look at one place only."""
    drawn = draw_alignment(size(1, 4, g), size(2, 6, g), size(3, 8, g), g)
    if size(0, 1, g):
        drawn["weights"][:, :2] = 0.0
        drawn["weights"][:, :2, size(0, 1, g)] = 1.0
    return drawn


def real_steps(weights, target_lengths) -> Tensor:
    """Which steps of each target are no padding: bool (B, T)."""
    return padding_mask(target_lengths, weights.size(1))


def reference_alignment_path(weights, target_lengths) -> Tensor:
    """For each step the source position that it looked at most, and -1 on padding: (B, T)."""
    return weights.argmax(-1).masked_fill(~real_steps(weights, target_lengths), -1)


def _path_variant(find=lambda weights: weights.argmax(-1), more=0, padding=-1):
    """A path with one thing changed, to make mistakes from."""

    def path(weights, target_lengths):
        return find(weights).masked_fill(~real_steps(weights, target_lengths + more), padding)

    return path


def _centre(weights):
    places = torch.arange(weights.size(-1), dtype=weights.dtype)  # (S,)
    return (weights * places).sum(-1).round().long()


alignment_path = Task(
    name="alignment_path",
    reference=reference_alignment_path,
    outputs=("the path",),
    visible=lambda g: draw_alignment(3, 5, 6, g),
    hidden=draw_hard_alignment,
    mistakes=(
        Mistake(
            "padding not marked",
            lambda weights, target_lengths: weights.argmax(-1),
            "Steps beyond a target's end have a position, too. Nothing was said there: -1.",
        ),
        Mistake(
            "padding marked with 0",
            _path_variant(padding=0),
            "Padding is marked with 0, which is a position like any other, the first. Mark it with -1.",
        ),
        Mistake(
            "best step of each position",
            lambda weights, target_lengths: weights.argmax(1),
            "This asks each source position which step looked at it most. Ask each step where it looked: argmax over "
            "the last axis.",
        ),
        Mistake(
            "counted from 1",
            _path_variant(find=lambda weights: weights.argmax(-1) + 1),
            "Positions are counted from 1 here. The first one is number 0, so that it can be used as an index.",
        ),
        Mistake(
            "centre of the look",
            _path_variant(find=_centre),
            "This is the mean position, weighted and rounded. Between two letters that are looked at lies one that is "
            "not: take the position with the largest weight.",
        ),
        Mistake(
            "a step too few",
            _path_variant(more=-1),
            "The last real step is marked as padding. Step t is real if t < length: counting begins with 0.",
        ),
        Mistake(
            "a step too many",
            _path_variant(more=1),
            "The first step of the padding counts as real. Step t is real if t < length: counting begins with 0.",
        ),
        Mistake(
            "weights for positions",
            lambda weights, target_lengths: weights.amax(-1).masked_fill(~real_steps(weights, target_lengths), -1),
            "These are the largest weights themselves. Return where they are: argmax, not max.",
        ),
    ),
)


def reference_attention_entropy(weights, target_lengths) -> Tensor:
    """The mean entropy of a real step's weights, in nats: a scalar."""
    entropies = torch.special.entr(weights).sum(-1)  # (B, T)
    return entropies[real_steps(weights, target_lengths)].mean()


def _entropy_variant(own=torch.special.entr, over=lambda entropies: entropies.sum(-1), mean=None):
    """An entropy with one thing changed, to make mistakes from."""

    def entropy(weights, target_lengths):
        real = real_steps(weights, target_lengths)  # (B, T)
        entropies = over(own(weights))  # (B, T)
        return mean(entropies, real) if mean else entropies[real].mean()

    return entropy


attention_entropy = Task(
    name="attention_entropy",
    reference=reference_attention_entropy,
    outputs=("the entropy",),
    visible=lambda g: draw_alignment(3, 5, 6, g),
    hidden=draw_hard_alignment,
    mistakes=(
        Mistake(
            "0 times minus infinity",
            _entropy_variant(own=lambda weights: -weights * weights.log()),
            "The logarithm of 0 is minus infinity, and 0 times minus infinity is not a number. A weight of 0 adds "
            "nothing: choose with torch.where, or use torch.special.entr or torch.xlogy.",
        ),
        Mistake(
            "padding counted",
            _entropy_variant(mean=lambda entropies, real: entropies.mean()),
            "Steps beyond a target's end took part. Only step t < length is real.",
        ),
        Mistake(
            "zeroed but counted",
            _entropy_variant(mean=lambda entropies, real: (entropies * real).mean()),
            "Padding adds nothing to the sum, but the sum is still divided by all B*T steps: divide by the real ones.",
        ),
        Mistake(
            "mean of the rows' means",
            _entropy_variant(mean=lambda entropies, real: ((entropies * real).sum(1) / real.sum(1)).mean()),
            "This is a mean over targets of their means, so a step of a short target weighs more. "
            "Every real step of the batch should weigh the same.",
        ),
        Mistake(
            "summed",
            _entropy_variant(mean=lambda entropies, real: entropies[real].sum()),
            "This is the sum over the real steps. Divide it by how many they are.",
        ),
        Mistake(
            "mean over the positions",
            _entropy_variant(over=lambda entropies: entropies.mean(-1)),
            "-w log w is averaged over the source positions. An entropy is their sum; only steps are averaged.",
        ),
        Mistake(
            "bits",
            _entropy_variant(own=lambda weights: torch.special.entr(weights) / math.log(2)),
            "This entropy is in bits. The course measures in nats: use the natural logarithm.",
        ),
        Mistake(
            "minus forgotten",
            _entropy_variant(own=lambda weights: -torch.special.entr(weights)),
            "An entropy is never below 0: log w is negative, so the sum needs a minus.",
        ),
        Mistake(
            "exponential",
            _entropy_variant(mean=lambda entropies, real: entropies[real].mean().exp()),
            "This is exp of the entropy: among how many positions a look is spread. Return the entropy itself.",
        ),
        Mistake(
            "entropy of the mean",
            lambda weights, target_lengths: torch.special.entr(
                weights[real_steps(weights, target_lengths)].mean(0)
            ).sum(),
            "The weights were averaged over the steps first. Sharp looks at different places would seem spread: "
            "take each step's entropy, then the mean.",
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-score": (
        "pairs = torch.tanh(asked.unsqueeze(2) + offered.unsqueeze(1))",
        "pairs = asked.unsqueeze(2) + offered.unsqueeze(1)",
        "tanh forgotten",
    ),
    "wrong-mask": (
        'return scores.masked_fill(~mask, float("-inf")).softmax(-1)',
        "return scores.softmax(-1) * mask",
        "mask after the softmax",
    ),
    "wrong-entropy": (
        "return entropies[real].mean()",
        "return entropies.mean()",
        "padding counted",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-2", "from seq2bert.attention import masked_softmax")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name.

    Here the released checkpoint of chapter 03 says the words, and for the model that cannot look back it says as much
    of each as its first four letters tell.
    """
    model, letters, phonemes = pretrained.g2p()
    words = [entry.word for entry in held_out_words()]

    def said(heard: list[str]) -> dict[str, str]:
        written = write(model, heard, letters, phonemes, g2p.MAX_PHONEMES)
        return {word: " ".join(phrase) for word, phrase in zip(words, written, strict=True)}

    content = {"attention": said(words), "fixed": said([word[:4] for word in words])}
    return {"predictions.json": json.dumps(content, indent=0), "metrics.json": json.dumps({"words": len(words)})}
