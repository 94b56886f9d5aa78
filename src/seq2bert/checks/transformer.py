"""Assignment 05: attention, several heads, masks, positions, an encoder layer and what it knows of order.

The marks of the experiment are in `transformer_experiment`; the notebook finds them here, too.
"""

import json
import math
from functools import cache

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from seq2bert import pretrained
from seq2bert import transformer as chapter
from seq2bert.attention import scaled_dot_product_attention as reference_attention
from seq2bert.checks.task import Mistake, Task
from seq2bert.checks.transformer_experiment import (
    LOOKING_BACK_PER,
    experiment_points,
    experiment_words,
    held_out_words,
    predicted_per,
    predictions,
)
from seq2bert.data import g2p
from seq2bert.seq2seq import write

__all__ = [  # what the notebook calls
    "LOOKING_BACK_PER",
    "causal_mask",
    "decoder_mask",
    "encoder_layer",
    "experiment_points",
    "experiment_words",
    "multi_head_attention",
    "order_sensitivity",
    "predicted_per",
    "predictions",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
]


def size(low: int, high: int, g: torch.Generator) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=g))


def draw_mask(*shape: int, g: torch.Generator) -> Tensor:
    """About two places in three allowed, and in each row at least one: bool of the given shape."""
    mask = torch.rand(*shape, generator=g) < 0.65
    kept = torch.randint(shape[-1], (*shape[:-1], 1), generator=g)  # this one anyway
    return mask | (torch.arange(shape[-1]) == kept)


def draw_any_mask(batch: int, targets: int, sources: int, g: torch.Generator) -> Tensor | None:
    """A mask that broadcasts to (B, H, T, S): none at all, one for the batch, one a source, or one a pair."""
    shape = (None, (targets, sources), (batch, 1, 1, sources), (batch, 1, targets, sources))[size(0, 3, g)]
    return shape and draw_mask(*shape, g=g)


# Task 1: attention ---------------------------------------------------------------------------------------------------


def draw_attention(g: torch.Generator) -> dict:
    """Queries, keys and values of different widths, and a mask for each pair of places."""
    return dict(
        query=torch.randn(2, 5, 8, generator=g),
        key=torch.randn(2, 7, 8, generator=g),
        value=torch.randn(2, 7, 4, generator=g),
        mask=draw_mask(2, 5, 7, g=g),
    )


def draw_attention_of_heads(g: torch.Generator) -> dict:
    """The same with an axis of heads, and a score of 100, whose exponential is infinite in single precision."""
    batch, heads, targets, sources, width = size(1, 3, g), size(1, 3, g), size(1, 5, g), size(2, 6, g), size(2, 9, g)
    query = torch.randn(batch, heads, targets, width, generator=g)
    key = torch.randn(batch, heads, sources, width, generator=g)
    best = key[0, 0, 0]
    best *= key[0, 0].norm(dim=-1).max() / best.norm()  # the longest key, so that no other score is above 100
    query[0, 0, 0] = 100 * width**0.5 * best / (best @ best)
    mask = draw_any_mask(batch, targets, sources, g)
    if mask is not None:
        mask[..., 0] = True
    return dict(query=query, key=key, value=torch.randn(batch, heads, sources, width + 1, generator=g), mask=mask)


def _allowed(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """The mask for every pair of places: (..., T, S)."""
    everything = torch.ones(*query.shape[:-1], key.size(-2), dtype=torch.bool)
    return everything if mask is None else everything & mask


def _softmax(scores: Tensor, allowed: Tensor) -> Tensor:
    return scores.masked_fill(~allowed, -math.inf).softmax(-1)


def _attention_variant(scale=lambda query, value: query.size(-1) ** 0.5, weigh=_softmax, mix_keys=False, swapped=False):
    """Attention with one thing changed, to make mistakes from."""

    def attention(query, key, value, mask=None):
        weights = weigh(query @ key.mT / scale(query, value), _allowed(query, key, mask))
        mixed = weights @ (key if mix_keys else value)
        return (weights, mixed) if swapped else (mixed, weights)

    return attention


def _naive_softmax(scores: Tensor, allowed: Tensor) -> Tensor:
    exponentials = scores.exp() * allowed
    return exponentials / exponentials.sum(-1, keepdim=True)


scaled_dot_product_attention = Task(
    name="scaled_dot_product_attention",
    reference=reference_attention,
    outputs=("the mixture", "the weights"),
    visible=draw_attention,
    hidden=draw_attention_of_heads,
    tolerance=1e-4,  # a hidden score is 100, where single precision leaves five decimals
    mistakes=(
        Mistake(
            "no scaling",
            _attention_variant(scale=lambda query, value: 1.0),
            "The scores are not divided by sqrt(D). The wider the vectors, the larger their dot products, and a "
            "softmax of large scores looks at one place only.",
        ),
        Mistake(
            "divided by the width",
            _attention_variant(scale=lambda query, value: query.size(-1)),
            "The scores are divided by D. Divide by its square root: that is how fast dot products grow.",
        ),
        Mistake(
            "width of the values",
            _attention_variant(scale=lambda query, value: value.size(-1) ** 0.5),
            "The scale is made from the width of the values. The dot products are of queries and keys: their width.",
        ),
        Mistake(
            "mask after the softmax",
            _attention_variant(weigh=lambda scores, allowed: scores.softmax(-1) * allowed),
            "The weights are set to 0 after the softmax, so that a row no longer sums to 1. "
            "Set the scores to minus infinity before it.",
        ),
        Mistake(
            "masked scores are 0",
            _attention_variant(weigh=lambda scores, allowed: (scores * allowed).softmax(-1)),
            "A masked score became 0, and exp(0) = 1 is a good score. It has to be minus infinity.",
        ),
        Mistake(
            "mask ignored",
            _attention_variant(weigh=lambda scores, allowed: scores.softmax(-1)),
            "The mask has no effect: places where it is False still have a weight.",
        ),
        Mistake(
            "mask the wrong way round",
            _attention_variant(weigh=lambda scores, allowed: _softmax(scores, ~allowed)),
            "The mask is the wrong way round: True means that a place may be looked at.",
        ),
        Mistake(
            "softmax over the queries",
            _attention_variant(weigh=lambda scores, allowed: scores.masked_fill(~allowed, -math.inf).softmax(-2)),
            "The softmax runs over the places that ask. Each row has to sum to 1 over the places that are asked, the "
            "last axis.",
        ),
        Mistake(
            "keys mixed",
            _attention_variant(mix_keys=True),
            "You mixed the keys. Keys decide how much; what is mixed are the values.",
        ),
        Mistake(
            "outputs swapped",
            _attention_variant(swapped=True),
            "The two outputs have changed places: first the mixture, then the weights.",
        ),
        Mistake(
            "exponentials overflow",
            _attention_variant(weigh=_naive_softmax),
            "Large scores overflow: exp(100) is infinite in single precision. Use softmax, which subtracts the "
            "largest score first.",
            visible=False,
        ),
    ),
)

# Task 2: several heads -----------------------------------------------------------------------------------------------

PROJECTIONS = ("query", "key", "value", "output")


def draw_linear(name: str, outputs: int, inputs: int, g: torch.Generator) -> dict[str, Tensor]:
    """A weight (outputs, inputs) and a bias (outputs,) as torch.nn.Linear has them."""
    weight = 1.5 * inputs**-0.5 * torch.randn(outputs, inputs, generator=g)
    return {f"{name}_weight": weight, f"{name}_bias": torch.randn(outputs, generator=g) / 2}


def draw_projections(width: int, g: torch.Generator) -> dict[str, Tensor]:
    """Weights and biases of the four projections, each (D, D) and (D,)."""
    return {key: tensor for name in PROJECTIONS for key, tensor in draw_linear(name, width, width, g).items()}


def draw_heads(batch: int, targets: int, sources: int, heads: int, width: int, g: torch.Generator, mask) -> dict:
    """Who asks (B, T, D), who is asked (B, S, D), and weights for heads of the given width."""
    hidden = torch.randn(batch, targets, heads * width, generator=g)
    memory = torch.randn(batch, sources, heads * width, generator=g)
    return dict(hidden=hidden, memory=memory, weights=draw_projections(heads * width, g), num_heads=heads, mask=mask)


def visible_heads(g: torch.Generator) -> dict:
    """Three heads that are four wide; no two axes are alike."""
    return draw_heads(2, 5, 7, 3, 4, g, draw_mask(2, 1, 5, 7, g=g))


def hidden_heads(g: torch.Generator) -> dict:
    """Other sizes, a batch or a target of one, any mask."""
    batch, targets, sources = size(1, 3, g), size(1, 6, g), size(2, 6, g)
    mask = draw_any_mask(batch, targets, sources, g)
    return draw_heads(batch, targets, sources, size(2, 4, g), size(2, 5, g), g, mask)


@cache  # making a module takes longer than asking it
def _heads(width: int, num_heads: int) -> chapter.MultiHeadAttention:
    return chapter.MultiHeadAttention(width, num_heads).eval()


def reference_multi_head_attention(
    hidden: Tensor, memory: Tensor, weights: dict[str, Tensor], num_heads: int, mask: Tensor | None = None
) -> Tensor:
    """The chapter's MultiHeadAttention with the given weights; differentiable."""
    named = {f"{name}.{kind}": weights[f"{name}_{kind}"] for name in PROJECTIONS for kind in ("weight", "bias")}
    return functional_call(_heads(hidden.size(-1), num_heads), named, (hidden, memory, mask))


def _linear(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return F.linear(x, weights[f"{name}_weight"], weights[f"{name}_bias"])


def _split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, H, T, D/H)


def _merge(found: Tensor) -> Tensor:
    return found.transpose(1, 2).flatten(2)


def _cut_in_order_of_memory(x: Tensor, heads: int) -> Tensor:
    return x.reshape(len(x), heads, x.size(1), -1)


def _heads_variant(
    split=_split,
    merge=_merge,
    scale=lambda query, width: query.size(-1) ** 0.5,
    linear=_linear,
    finish=_linear,
    one_head=False,
    masked=True,
    values_from_keys=False,
):
    """Multi-head attention with one thing changed, to make mistakes from."""

    def attention(hidden, memory, weights, num_heads, mask=None):
        heads = 1 if one_head else num_heads
        query = split(linear(hidden, weights, "query"), heads)
        key = split(linear(memory, weights, "key"), heads)
        value = split(linear(memory, weights, "key" if values_from_keys else "value"), heads)
        scores = query @ key.mT / scale(query, hidden.size(-1))
        weigh = _softmax(scores, _allowed(query, key, mask if masked else None))
        return finish(merge(weigh @ value), weights, "output")

    return attention


def _linear_untransposed(x, weights, name):
    return x @ weights[f"{name}_weight"] + weights[f"{name}_bias"]


multi_head_attention = Task(
    name="multi_head_attention",
    reference=reference_multi_head_attention,
    outputs=("what was found",),
    visible=visible_heads,
    hidden=hidden_heads,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "split without transposing",
            _heads_variant(split=_cut_in_order_of_memory),
            "The heads are cut with view or reshape alone, which mixes up places and heads. First (B, T, H, D/H), then "
            "transpose the two axes in the middle.",
        ),
        Mistake(
            "merged without transposing",
            _heads_variant(merge=lambda found: found.reshape(len(found), found.size(2), -1)),
            "The heads are put together with reshape alone. Transpose (B, H, T, D/H) back to (B, T, H, D/H) first, so "
            "that one place's heads lie side by side.",
        ),
        Mistake(
            "interleaved heads",
            _heads_variant(
                split=lambda x, heads: x.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2),
                merge=lambda found: found.permute(0, 2, 3, 1).flatten(2),
            ),
            "Head h has the columns h, h + H, h + 2H, ... here. It should have neighbouring ones, the h-th stretch of "
            "D/H: the axis of heads comes before that of their width.",
        ),
        Mistake(
            "scaled by the whole width",
            _heads_variant(scale=lambda query, width: width**0.5),
            "The scores are divided by sqrt(D). Each head multiplies vectors that are D/H wide: divide by sqrt(D/H).",
        ),
        Mistake(
            "no scaling",
            _heads_variant(scale=lambda query, width: 1.0),
            "The scores of the heads are not divided by the square root of their width, D/H.",
        ),
        Mistake(
            "one head",
            _heads_variant(one_head=True),
            "This is one head as wide as all of them together: one softmax, one place to look at. num_heads has no "
            "effect.",
        ),
        Mistake(
            "no output projection",
            _heads_variant(finish=lambda found, weights, name: found),
            "The output projection is missing: the heads lie side by side, and W_O is what mixes them.",
        ),
        Mistake(
            "biases forgotten",
            _heads_variant(
                linear=lambda x, weights, name: F.linear(x, weights[f"{name}_weight"]),
                finish=lambda x, weights, name: F.linear(x, weights[f"{name}_weight"]),
            ),
            "The four biases are missing.",
        ),
        Mistake(
            "weights not transposed",
            _heads_variant(linear=_linear_untransposed, finish=_linear_untransposed),
            "The weights lie as in torch.nn.Linear, (outputs, inputs): multiply with W.T.",
        ),
        Mistake(
            "values from the keys",
            _heads_variant(values_from_keys=True),
            "The values are made with the key's projection. They have one of their own, value_weight and value_bias.",
        ),
        Mistake(
            "mask ignored",
            _heads_variant(masked=False),
            "The mask has no effect: places where it is False are still looked at.",
        ),
    ),
)

# Task 3: masks -------------------------------------------------------------------------------------------------------

causal_mask = Task(
    name="causal_mask",
    reference=chapter.causal_mask,
    outputs=("the mask",),
    visible=lambda g: dict(size=size(3, 6, g)),
    hidden=lambda g: dict(size=size(1, 12, g)),
    mistakes=(
        Mistake(
            "upper triangle",
            lambda size: torch.ones(size, size, dtype=torch.bool).triu(),
            "This is the other triangle: places look at what comes after them, and not at what was before.",
        ),
        Mistake(
            "not at itself",
            lambda size: torch.ones(size, size, dtype=torch.bool).tril(-1),
            "A place may look at itself, too: without the diagonal the first one has nothing to look at.",
        ),
        Mistake(
            "sees the next",
            lambda size: torch.ones(size, size, dtype=torch.bool).tril(1),
            "Each place sees the one after it, which is the token that it has to predict.",
        ),
        Mistake(
            "True is forbidden",
            lambda size: torch.ones(size, size, dtype=torch.bool).triu(1),
            "The mask is the wrong way round: True means that a place may be looked at.",
        ),
        Mistake(
            "everything allowed",
            lambda size: torch.ones(size, size, dtype=torch.bool),
            "Everything is allowed: each place sees all that comes after it.",
        ),
        Mistake(
            "zeros and infinities",
            lambda size: torch.full((size, size), -math.inf).triu(1),
            "This is a mask to be added to the scores, 0 and minus infinity. Return a bool one: True = may look.",
        ),
    ),
)


def draw_ids(rows: int, longest: int, pad_id: int, g: torch.Generator, anywhere: bool = False) -> dict:
    """Ids (B, T) of which each row but the first has padding, at its end, or anywhere: even at its beginning."""
    ids = torch.randint(0, 12, (rows, longest), generator=g)
    ids = torch.where(ids == pad_id, 12, ids)
    lengths = torch.randint(1, longest, (rows, 1), generator=g)
    padding = torch.arange(longest) >= lengths
    if anywhere:
        padding = padding[:, torch.randperm(longest, generator=g)]
    padding[0] = False
    return dict(ids=ids.masked_fill(padding, pad_id), pad_id=pad_id)


def reference_decoder_mask(ids: Tensor, pad_id: int = 0) -> Tensor:
    """A place may look at itself and at the real tokens before it: ids (B, T) give bool (B, 1, T, T).

    >>> reference_decoder_mask(torch.tensor([[0, 7, 8]])).int().tolist()
    [[[[1, 0, 0], [0, 1, 0], [0, 1, 1]]]]
    """
    real = (ids != pad_id)[:, None, None]  # (B, 1, 1, T)
    itself = torch.eye(ids.size(1), dtype=torch.bool, device=ids.device)
    return chapter.causal_mask(ids.size(1), ids.device) & real | itself


def _mask_variant(causal=chapter.causal_mask, real=lambda ids, pad_id: (ids != pad_id)[:, None, None], itself=True):
    """A decoder's mask with one thing changed, to make mistakes from."""

    def mask(ids, pad_id=0):
        allowed = causal(ids.size(1)) & real(ids, pad_id)
        return allowed | torch.eye(ids.size(1), dtype=torch.bool) if itself else allowed

    return mask


decoder_mask = Task(
    name="decoder_mask",
    reference=reference_decoder_mask,
    outputs=("the mask",),
    visible=lambda g: draw_ids(3, 5, 0, g),
    hidden=lambda g: draw_ids(size(2, 5, g), size(3, 9, g), size(1, 11, g), g, anywhere=True),
    mistakes=(
        Mistake(
            "padding forgotten",
            _mask_variant(real=lambda ids, pad_id: torch.ones(len(ids), 1, 1, 1, dtype=torch.bool)),
            "Padding can be looked at. Of the places before it, each may look at the real ones only.",
        ),
        Mistake(
            "future seen",
            _mask_variant(causal=lambda length: torch.ones(length, length, dtype=torch.bool)),
            "Places see real tokens that come after them: the causal half of the mask is missing.",
        ),
        Mistake(
            "padding on the wrong axis",
            _mask_variant(real=lambda ids, pad_id: (ids != pad_id)[:, None, :, None]),
            "The padding is masked along the axis of those who ask. What must not be looked at lies on the last axis.",
        ),
        Mistake(
            "empty rows",
            _mask_variant(itself=False),
            "Padding may not look at itself here. Where it stands first, its row allows nothing, and the softmax of "
            "nothing is nan, which spreads. Let every place look at itself.",
        ),
        Mistake(
            "or instead of and",
            lambda ids, pad_id=0: chapter.causal_mask(ids.size(1)) | (ids != pad_id)[:, None, None],
            "Being real or being earlier is enough here. It takes both.",
        ),
        Mistake(
            "no axis for the heads",
            lambda ids, pad_id=0: reference_decoder_mask(ids, pad_id).squeeze(1),
            "The axis for the heads is missing: (B, 1, T, T), or with several heads the mask would not broadcast.",
        ),
        Mistake(
            "True is forbidden",
            lambda ids, pad_id=0: ~reference_decoder_mask(ids, pad_id),
            "The mask is the wrong way round: True means that a place may be looked at.",
        ),
        Mistake(
            "padding is always 0",
            lambda ids, pad_id=0: reference_decoder_mask(ids),
            "The id 0 is taken for padding although pad_id says otherwise.",
            visible=False,
        ),
    ),
)

# Task 4: positions ---------------------------------------------------------------------------------------------------


def _positions_variant(
    first=0,
    functions=(torch.sin, torch.cos),
    exponent=lambda pair, width: 2 * pair / width,
    sign=-1,
    arrange=lambda halves: torch.stack(halves, -1).flatten(1),
):
    """Sinusoidal positions with one thing changed, to make mistakes from."""

    def positions(num_positions, width):
        places = torch.arange(first, first + num_positions, dtype=torch.double)[:, None]
        pairs = torch.arange(width // 2, dtype=torch.double)
        angles = places * 10_000 ** (sign * exponent(pairs, width))
        return arrange([function(angles) for function in functions]).float()

    return positions


def _each_column_its_own(num_positions, width):
    columns = torch.arange(width, dtype=torch.double)
    angles = torch.arange(num_positions, dtype=torch.double)[:, None] * 10_000 ** (-columns / width)
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos()).float()


sinusoidal_positions = Task(
    name="sinusoidal_positions",
    reference=chapter.sinusoidal_positions,
    outputs=("the table of positions",),
    visible=lambda g: dict(num_positions=size(4, 8, g), width=2 * size(3, 6, g)),
    hidden=lambda g: dict(num_positions=size(1, 100, g), width=2 * size(1, 20, g)),
    tolerance=1e-3,  # the hands of a hundred positions, in single precision
    mistakes=(
        Mistake(
            "all sines first",
            _positions_variant(arrange=lambda halves: torch.cat(halves, -1)),
            "All sines stand before all cosines. They take turns: a sine at 2i, its cosine at 2i + 1.",
        ),
        Mistake(
            "cosine first",
            _positions_variant(functions=(torch.cos, torch.sin)),
            "Sine and cosine have changed places: sines at 0, 2, 4, ...",
        ),
        Mistake(
            "sines only",
            _positions_variant(functions=(torch.sin, torch.sin)),
            "Both columns of a pair hold the sine. One hand of a clock is told by two numbers: sine and cosine.",
        ),
        Mistake(
            "each column its own speed",
            _each_column_its_own,
            "Sine and cosine of a pair turn at different speeds: in the exponent the column is used, 2i and 2i + 1. "
            "Both columns of a pair have 2i.",
        ),
        Mistake(
            "exponent halved",
            _positions_variant(exponent=lambda pair, width: pair / width),
            "The exponent is i / D here. It is 2i / D, so that the speeds run from 1 nearly down to 1 / 10000.",
        ),
        Mistake(
            "exponent doubled",
            _positions_variant(exponent=lambda pair, width: 4 * pair / width),
            "The exponent is 4i / D here: the columns 0, 2, 4, ... are 2i already.",
        ),
        Mistake(
            "ever faster",
            _positions_variant(sign=1),
            "The clocks get faster from pair to pair. Divide the position by 10000^(2i/D) instead of multiplying.",
        ),
        Mistake(
            "counted from 1",
            _positions_variant(first=1),
            "The first position is 1 here. It is 0, where every sine is 0 and every cosine 1.",
        ),
    ),
)

# Task 5a: an encoder layer -------------------------------------------------------------------------------------------

# What the chapter's EncoderLayer calls each part of the dictionary.
LAYER_NAMES = {name: f"attention.{name}" for name in PROJECTIONS} | {
    "attention_norm": "add_attention.norm",
    "inner": "feed_forward.0",
    "outer": "feed_forward.3",
    "feed_forward_norm": "add_feed_forward.norm",
}


def draw_layer_weights(width: int, inner: int, g: torch.Generator) -> dict[str, Tensor]:
    """Weights of a layer, with norms that scale and move."""
    norms = {
        f"{name}_norm_{kind}": (kind == "weight") + torch.randn(width, generator=g) / 2
        for name in ("attention", "feed_forward")
        for kind in ("weight", "bias")
    }
    feed_forward = draw_linear("inner", inner, width, g) | draw_linear("outer", width, inner, g)
    return draw_projections(width, g) | norms | feed_forward


def visible_layer(g: torch.Generator) -> dict:
    """Two heads, either place for the norm."""
    return dict(
        hidden=torch.randn(2, 5, 8, generator=g),
        weights=draw_layer_weights(8, 12, g),
        num_heads=2,
        mask=draw_mask(2, 1, 5, 5, g=g),
        norm_first=bool(size(0, 1, g)),
    )


def hidden_layer(g: torch.Generator) -> dict:
    """Other sizes, a batch or a sequence of one, any mask."""
    batch, length, heads, width = size(1, 3, g), size(1, 6, g), size(1, 3, g), 2 * size(2, 3, g)
    return dict(
        hidden=torch.randn(batch, length, heads * width, generator=g),
        weights=draw_layer_weights(heads * width, size(5, 20, g), g),
        num_heads=heads,
        mask=draw_any_mask(batch, length, length, g),
        norm_first=bool(size(0, 1, g)),
    )


@cache
def _layer(width: int, inner: int, num_heads: int, norm_first: bool) -> chapter.EncoderLayer:
    sizes = dict(hidden_size=width, num_heads=num_heads, intermediate_size=inner)
    return chapter.EncoderLayer(chapter.TransformerConfig(1, 1, norm_first=norm_first, **sizes)).eval()


def reference_encoder_layer(
    hidden: Tensor, weights: dict[str, Tensor], num_heads: int, mask: Tensor | None = None, norm_first: bool = False
) -> Tensor:
    """The chapter's EncoderLayer with the given weights; differentiable."""
    layer = _layer(hidden.size(-1), len(weights["inner_bias"]), num_heads, norm_first)
    named = {f"{LAYER_NAMES[n]}.{kind}": weights[f"{n}_{kind}"] for n in LAYER_NAMES for kind in ("weight", "bias")}
    return functional_call(layer, named, (hidden, mask))


def _norm(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}_norm_weight"], weights[f"{name}_norm_bias"])


def _norm_over_places(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    scaled = centred / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    return scaled * weights[f"{name}_norm_weight"] + weights[f"{name}_norm_bias"]


def _norm_unbiased(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    scaled = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * weights[f"{name}_norm_weight"] + weights[f"{name}_norm_bias"]


def _layer_variant(
    look=reference_multi_head_attention,
    norm=_norm,
    names=("attention", "feed_forward"),
    activation=F.relu,
    keep=(1, 1),
    other_end=False,
    always_after=False,
    on_the_normalised=False,
    masked=True,
):
    """An encoder layer with one thing changed, to make mistakes from."""

    def layer(hidden, weights, num_heads, mask=None, norm_first=False):
        def attend(x):
            return look(x, x, weights, num_heads, mask if masked else None)

        def think(x):
            return _linear(activation(_linear(x, weights, "inner")), weights, "outer")

        before = (norm_first != other_end) and not always_after
        for sublayer, name, kept in zip((attend, think), names, keep, strict=True):
            if before:
                normed = norm(hidden, weights, name)
                hidden = kept * (normed if on_the_normalised else hidden) + sublayer(normed)
            else:
                hidden = norm(kept * hidden + sublayer(hidden), weights, name)
        return hidden

    return layer


encoder_layer = Task(
    name="encoder_layer",
    reference=reference_encoder_layer,
    outputs=("the output",),
    visible=visible_layer,
    hidden=hidden_layer,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "norms at the other end",
            _layer_variant(other_end=True),
            "Before and after have changed places: with norm_first the norm stands before the sublayer.",
        ),
        Mistake(
            "always after the sum",
            _layer_variant(always_after=True),
            "norm_first has no effect: the norm always stands after the sum.",
        ),
        Mistake(
            "nothing kept around the attention",
            _layer_variant(keep=(0, 1)),
            "What the attention found replaces what was there. Add the two: x + attention(x).",
        ),
        Mistake(
            "nothing kept around the feed-forward",
            _layer_variant(keep=(1, 0)),
            "What the feed-forward network said replaces what was there. Add the two: x + feed_forward(x).",
        ),
        Mistake(
            "the normalised kept",
            _layer_variant(on_the_normalised=True),
            "With norm_first the sum is of x itself and what the sublayer made of norm(x): nothing is changed on the "
            "path from layer to layer. You added to norm(x).",
        ),
        Mistake(
            "one norm twice",
            _layer_variant(names=("attention", "attention")),
            "Both norms have the weights of the first. The second has its own, feed_forward_norm_weight and _bias.",
        ),
        Mistake(
            "norms swapped",
            _layer_variant(names=("feed_forward", "attention")),
            "The two norms have changed places: attention_norm belongs to the attention, which comes first.",
        ),
        Mistake(
            "norm without its weights",
            _layer_variant(norm=lambda x, weights, name: F.layer_norm(x, x.shape[-1:])),
            "The norms only normalise. Each has a weight to multiply with and a bias to add.",
        ),
        Mistake(
            "normalised over places",
            _layer_variant(norm=_norm_over_places),
            "The mean and the variance are those of a column, over all places. A norm looks at one place's vector: "
            "the last axis.",
        ),
        Mistake(
            "variance over D - 1",
            _layer_variant(norm=_norm_unbiased),
            "The variance is divided by D - 1, torch's default for var and std. A layer norm divides by D.",
        ),
        Mistake(
            "no ReLU",
            _layer_variant(activation=lambda x: x),
            "There is nothing between the two linear maps of the feed-forward network, so they are one. ReLU goes "
            "there.",
        ),
        Mistake(
            "another activation",
            _layer_variant(activation=F.gelu),
            "This is GELU, which BERT uses. The first Transformer has ReLU.",
        ),
        Mistake(
            "mask ignored",
            _layer_variant(masked=False),
            "The mask has no effect: hand it on to the attention.",
        ),
        Mistake(
            "heads split without transposing",
            _layer_variant(look=_heads_variant(split=_cut_in_order_of_memory)),
            "The attention inside mixes up places and heads. If it is your function of task 2, put that right first.",
        ),
    ),
)

# Task 5b: does the layer notice the order? ---------------------------------------------------------------------------


def draw_order(batch: int, length: int, heads: int, width: int, g: torch.Generator, silent: bool = False) -> dict:
    """Tokens, positions, a layer, and another order of the tokens; with `silent` the positions say nothing."""
    return dict(
        hidden=torch.randn(batch, length, heads * width, generator=g),
        positions=torch.randn(length, heads * width, generator=g) * (not silent),
        weights=draw_layer_weights(heads * width, 10, g),
        num_heads=heads,
        order=torch.randperm(length, generator=g),
    )


def reference_order_sensitivity(
    hidden: Tensor, positions: Tensor, weights: dict[str, Tensor], num_heads: int, order: Tensor
) -> float:
    """By how much any number that the layer says of a token changes at most when the tokens change places.

    Args:
        hidden: (B, T, D), tokens without positions.
        positions: (T, D), which stay where they are.
        weights: of the layer.
        num_heads: H.
        order: (T,), the old places of the tokens in their new order.
    """
    before = reference_encoder_layer(hidden + positions, weights, num_heads)[:, order]
    after = reference_encoder_layer(hidden[:, order] + positions, weights, num_heads)
    return (after - before).abs().max().item()


def _order_variant(
    measure=lambda gap: gap.abs().max(),
    place=lambda order: order,
    moved=lambda hidden, positions, order: hidden[:, order] + positions,
):
    """Sensitivity to order with one thing changed, to make mistakes from."""

    def sensitivity(hidden, positions, weights, num_heads, order):
        before = reference_encoder_layer(hidden + positions, weights, num_heads)[:, place(order)]
        after = reference_encoder_layer(moved(hidden, positions, order), weights, num_heads)
        return measure(after - before).item()

    return sensitivity


order_sensitivity = Task(
    name="order_sensitivity",
    reference=reference_order_sensitivity,
    outputs=("the difference",),
    visible=lambda g: draw_order(2, 5, 2, 4, g),
    hidden=lambda g: draw_order(size(1, 3, g), size(4, 8, g), size(1, 3, g), 4, g, silent=not size(0, 3, g)),
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "positions move, too",
            _order_variant(moved=lambda hidden, positions, order: (hidden + positions)[:, order]),
            "The positions changed places together with their tokens, so that the layer could not notice anything. "
            "Reorder the tokens first, then add the positions.",
        ),
        Mistake(
            "compared place by place",
            _order_variant(place=lambda order: slice(None)),
            "You compare what stands in the same place, which now are different tokens. Compare each token with itself:"
            " bring the first output into the new order.",
        ),
        Mistake(
            "order turned round",
            _order_variant(place=torch.argsort),
            "The outputs are put into the inverse order. Both are reordered in the same way: [:, order].",
        ),
        Mistake(
            "signed",
            _order_variant(measure=torch.max),
            "This is the largest difference with its sign: one of -3 is larger than one of 2. Take absolute values.",
        ),
        Mistake(
            "mean",
            _order_variant(measure=lambda gap: gap.abs().mean()),
            "This is the mean of the differences. Return the largest.",
        ),
        Mistake(
            "squared",
            _order_variant(measure=lambda gap: gap.square().max()),
            "This is the largest squared difference. Return the difference itself, without its sign.",
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4", "task-5")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-scale": (
        "scores = query @ key.transpose(-2, -1) / query.size(-1) ** 0.5",
        "scores = query @ key.transpose(-2, -1)",
        "no scaling",
    ),
    "wrong-mask": (
        "return before & real | itself",
        "return before & real",
        "empty rows",
    ),
    "wrong-clocks": (
        "return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)",
        "return torch.cat([angles.sin(), angles.cos()], -1)",
        "all sines first",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-4", "from seq2bert.transformer import sinusoidal_positions")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name: the checkpoint of chapter 03 says the words."""
    model, letters, phonemes = pretrained.g2p()
    words = [entry.word for entry in held_out_words()]
    said = write(model, words, letters, phonemes, g2p.MAX_PHONEMES)
    content = {word: " ".join(phrase) for word, phrase in zip(words, said, strict=True)}
    return {"predictions.json": json.dumps(content, indent=0), "metrics.json": json.dumps({"words": len(words)})}
