"""Assignment 08: a mask for new places, the loss of a language model, filters, attention that keeps, and a head.

The marks of the experiment are in `gpt_experiment`; the notebook finds them here, too.
"""

import json
import math
from functools import cache

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from seq2bert import gpt as chapter
from seq2bert.checks.gpt_experiment import (
    FROM_SCRATCH_ACCURACY,
    MODELS,
    experiment_points,
    experiment_sentences,
    held_out_sentences,
    predicted_accuracies,
    predictions,
)
from seq2bert.checks.task import Mistake, Task
from seq2bert.checks.transformer import PROJECTIONS, draw_projections, size
from seq2bert.recurrent import after_bos as chapter_after_bos
from seq2bert.seq2seq import sequence_loss
from seq2bert.transformer import causal_mask as square_mask

__all__ = [  # what the notebook calls
    "FROM_SCRATCH_ACCURACY",
    "after_bos",
    "attention_step",
    "causal_mask",
    "classify",
    "experiment_points",
    "experiment_sentences",
    "filter_logits",
    "fine_tuning_loss",
    "language_model_loss",
    "predicted_accuracies",
    "predictions",
]

# Task 1: the mask of the newest places -------------------------------------------------------------------------------


def reference_causal_mask(new: int, kept: int = 0) -> Tensor:
    """The newest rows of a causal mask over all places: bool (T, t+T).

    >>> reference_causal_mask(2, 1).int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    return square_mask(kept + new)[-new:]


def _ones(rows: int, columns: int) -> Tensor:
    return torch.ones(rows, columns, dtype=torch.bool)


causal_mask = Task(
    name="causal_mask",
    reference=reference_causal_mask,
    outputs=("the mask",),
    visible=lambda g: dict(new=size(2, 5, g), kept=size(0, 4, g)),
    hidden=lambda g: dict(new=size(1, 8, g), kept=size(0, 20, g) * size(0, 1, g)),
    mistakes=(
        Mistake(
            "the oldest rows",
            lambda new, kept=0: _ones(new, kept + new).tril(),
            "These are the first T rows of the large mask. The new places are the last ones, so they own its last T "
            "rows: the triangle ends in the lower right corner.",
        ),
        Mistake(
            "kept forgotten",
            lambda new, kept=0: _ones(new, new).tril(),
            "There is no column for what was kept. All t + T places are asked, so the mask is (T, t+T).",
        ),
        Mistake(
            "kept out of sight",
            lambda new, kept=0: torch.cat([~_ones(new, kept), _ones(new, new).tril()], 1),
            "The new places do not see what was kept. All of that came before them: the first t columns are True.",
        ),
        Mistake(
            "rows for what was kept",
            lambda new, kept=0: square_mask(kept + new),
            "What was kept has rows here, too. It has asked already, in an earlier step; only the T new places ask.",
        ),
        Mistake(
            "not at itself",
            lambda new, kept=0: _ones(new, kept + new).tril(kept - 1),
            "A place may look at itself, too: without that, the very first one has nothing to look at.",
        ),
        Mistake(
            "sees the next",
            lambda new, kept=0: _ones(new, kept + new).tril(kept + 1),
            "Each place sees the one after it, which holds the token that it has to predict.",
        ),
        Mistake(
            "everything allowed",
            lambda new, kept=0: _ones(new, kept + new),
            "Everything is allowed: the new places see each other's future.",
        ),
        Mistake(
            "the other triangle",
            lambda new, kept=0: _ones(new, kept + new).triu(kept),
            "This is the other triangle: places look at what comes after them, and not at what was before.",
        ),
        Mistake(
            "True is forbidden",
            lambda new, kept=0: _ones(new, kept + new).triu(kept + 1),
            "The mask is the wrong way round: True means that a place may be looked at.",
        ),
        Mistake(
            "transposed",
            lambda new, kept=0: reference_causal_mask(new, kept).T,
            "Rows and columns have changed places. Rows ask, and there are T of them; columns are asked.",
        ),
        Mistake(
            "zeros and infinities",
            lambda new, kept=0: torch.full((new, kept + new), -math.inf).triu(kept + 1),
            "This is a mask to be added to the scores, 0 and minus infinity. Return a bool one: True = may look.",
        ),
    ),
)

# Task 2a: what the model reads ---------------------------------------------------------------------------------------


def draw_texts(rows: int, longest: int, g: torch.Generator, pad_id: int = 0, bos_id: int = 1) -> Tensor:
    """Ids (B, T) of rows of two tokens and more, the first as long as all; padding at their ends."""
    ids = torch.randint(12, (rows, longest), generator=g)
    ids = torch.where((ids == pad_id) | (ids == bos_id), 12, ids)
    lengths = torch.randint(min(2, longest), longest + 1, (rows, 1), generator=g)
    lengths[0] = longest
    return ids.masked_fill(torch.arange(longest) >= lengths, pad_id)


def reference_after_bos(ids: Tensor, bos_id: int = 1) -> Tensor:
    """The chapter's `after_bos` with any token to begin with: (B, T) gives (B, T).

    >>> reference_after_bos(torch.tensor([[7, 8, 9]]), 3).tolist()
    [[3, 7, 8]]
    """
    read = chapter_after_bos(ids)
    read[:, 0] = bos_id
    return read


def _begin(ids: Tensor, bos_id: int) -> Tensor:
    return torch.full_like(ids[:, :1], bos_id)


def hidden_texts(g: torch.Generator) -> dict:
    """Any token to begin with, rows that are alone or a single token long."""
    bos_id = size(2, 9, g)
    return dict(ids=draw_texts(size(1, 4, g), size(1, 8, g), g, bos_id=bos_id), bos_id=bos_id)


after_bos = Task(
    name="after_bos",
    reference=reference_after_bos,
    outputs=("what is read",),
    visible=lambda g: dict(ids=draw_texts(3, 5, g), bos_id=1),
    hidden=hidden_texts,
    mistakes=(
        Mistake(
            "not moved",
            lambda ids, bos_id=1: ids.clone(),
            "The model reads the very token that it has to predict. Move the text one place to the right.",
        ),
        Mistake(
            "moved to the left",
            lambda ids, bos_id=1: torch.cat([ids[:, 1:], _begin(ids, bos_id)], 1),
            "The text has moved to the left, so that at each place the model reads the token after the one to predict.",
        ),
        Mistake(
            "first token lost",
            lambda ids, bos_id=1: torch.cat([_begin(ids, bos_id), ids[:, 1:]], 1),
            "The token that begins has taken the place of the first one. All others move up by one, and the last drops "
            "out.",
        ),
        Mistake(
            "one too many",
            lambda ids, bos_id=1: torch.cat([_begin(ids, bos_id), ids], 1),
            "The last token is still there, so that there are T + 1 places and T tokens to predict. Nothing is "
            "predicted from the last one: drop it.",
        ),
        Mistake(
            "the last comes first",
            lambda ids, bos_id=1: ids.roll(1, 1),
            "The last token has come round to the front. The token that begins belongs there.",
        ),
        Mistake(
            "always begins with 1",
            lambda ids, bos_id=1: reference_after_bos(ids),
            "Rows begin with the token 1 although bos_id says otherwise.",
            visible=False,
        ),
    ),
)

# Task 2b: the loss ---------------------------------------------------------------------------------------------------


def draw_guesses(rows: int, longest: int, vocab: int, g: torch.Generator, pad_id: int = 0, loud: bool = False) -> dict:
    """Logits (B, T, V) and the texts that they guess; with `loud` one logit is 200."""
    logits = 2 * torch.randn(rows, longest, vocab, generator=g)
    ids = draw_texts(rows, longest, g, pad_id)
    if loud:
        logits[0, 0, ids[0, 0]] = 200.0
    return dict(logits=logits, ids=ids, pad_id=pad_id)


def _surprise(logits: Tensor, ids: Tensor) -> Tensor:
    return F.cross_entropy(logits.mT, ids, reduction="none")  # (B, T)


def _loss_variant(
    surprise=_surprise,
    real=lambda ids, pad_id: ids != pad_id,
    average=lambda losses, real: losses[real].mean(),
    finish=lambda loss: loss,
):
    """The loss of a language model with one thing changed, to make mistakes from."""

    def loss(logits, ids, pad_id=0):
        return finish(average(surprise(logits, ids), real(ids, pad_id)))

    return loss


def _naive_surprise(logits: Tensor, ids: Tensor) -> Tensor:
    exponentials = logits.exp()
    return -(exponentials / exponentials.sum(-1, keepdim=True)).gather(-1, ids.unsqueeze(-1)).squeeze(-1).log()


def _shifted_again(logits: Tensor, ids: Tensor, pad_id: int = 0) -> Tensor:
    if ids.size(1) == 1:
        return torch.tensor(math.nan)
    return sequence_loss(logits[:, :-1], ids[:, 1:], pad_id)


language_model_loss = Task(
    name="language_model_loss",
    reference=lambda logits, ids, pad_id=0: sequence_loss(logits, ids, pad_id),
    outputs=("the loss",),
    visible=lambda g: draw_guesses(3, 5, 13, g),
    hidden=lambda g: draw_guesses(size(1, 4, g), size(1, 8, g), size(13, 20, g), g, size(2, 9, g), loud=True),
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "padding counts",
            _loss_variant(average=lambda losses, real: losses.mean()),
            "The model is asked to guess the padding, too. Leave these places out of the sum and out of the number by "
            "which you divide.",
        ),
        Mistake(
            "divided by all places",
            _loss_variant(average=lambda losses, real: (losses * real).mean()),
            "The padding adds nothing to the sum, but it is counted in the number by which the sum is divided. Divide "
            "by the number of real tokens.",
        ),
        Mistake(
            "mean of means",
            _loss_variant(average=lambda losses, real: ((losses * real).sum(1) / real.sum(1)).mean()),
            "Each text has the same say here, however short: this is a mean of the rows' means. Each real token of the "
            "batch counts as much as any other.",
        ),
        Mistake(
            "sum",
            _loss_variant(average=lambda losses, real: losses[real].sum()),
            "This is the sum over all real tokens. Divide by how many they are.",
        ),
        Mistake(
            "divided by the texts",
            _loss_variant(average=lambda losses, real: losses[real].sum() / len(real)),
            "The sum is divided by the number of texts. Divide by the number of real tokens.",
        ),
        Mistake(
            "sign",
            _loss_variant(finish=lambda loss: -loss),
            "The sign is the wrong way round: a surprise is minus the log-probability.",
        ),
        Mistake(
            "bits",
            _loss_variant(finish=lambda loss: loss / math.log(2)),
            "These are bits, logarithms to the base 2. Give nats: natural logarithms.",
        ),
        Mistake(
            "perplexity",
            _loss_variant(finish=torch.exp),
            "This is the perplexity, the exponential of the loss.",
        ),
        Mistake(
            "logits not normalised",
            _loss_variant(surprise=lambda logits, ids: -logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1)),
            "You took the logits for log-probabilities. It takes a log-softmax to make them so.",
        ),
        Mistake(
            "moved again",
            _shifted_again,
            "The logits are held against the tokens one place later. They have been moved already, by what the model "
            "read: logits[:, t] guess ids[:, t].",
        ),
        Mistake(
            "padding is always 0",
            _loss_variant(real=lambda ids, pad_id: ids != 0),
            "The id 0 is taken for padding although pad_id says otherwise.",
            visible=False,
        ),
        Mistake(
            "exponentials overflow",
            _loss_variant(surprise=_naive_surprise),
            "Large logits overflow: exp(200) is infinite in single precision. Use log_softmax, or cross_entropy, which "
            "subtract the largest logit first.",
            visible=False,
        ),
    ),
)

# Task 3: filters -----------------------------------------------------------------------------------------------------

CLEAR = 1e-3  # no sum of probabilities is nearer to top_p than this


def _best_first(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities in falling order, the sum of those before each, and their places: (..., V) each."""
    probabilities, order = logits.softmax(-1).sort(descending=True, stable=True)
    return probabilities, probabilities.cumsum(-1) - probabilities, order


def _is_clear(logits: Tensor, top_p: float) -> bool:
    """Is it beyond doubt what top_p keeps, whatever the rounding? It may not part two equal tokens either."""
    probabilities, before, _ = _best_first(logits.double())
    if ((before - top_p).abs() < CLEAR)[probabilities > 0].any():
        return False
    last = ((before < top_p) & (probabilities > 0)).sum(-1, keepdim=True) - 1  # (..., 1)
    next_one = (last + 1).clamp(max=logits.size(-1) - 1)
    equal = probabilities.gather(-1, last) - probabilities.gather(-1, next_one) < 1e-6
    return not (equal & (next_one > last)).any()


def draw_filters(
    shape: tuple[int, ...], top_k: int | None, nucleus: bool, g: torch.Generator, loud: bool = False
) -> dict:
    """Logits, a temperature, top_k and, with `nucleus`, a top_p that leaves no doubt about any token.

    In each row the best token that top_k has to cut off ties with the worst that it keeps, so that both stay. Where
    both filters cut, it matters which comes first; for that top_k has to be from 2 to V-2.

    Args:
        shape: of the logits.
        top_k: as it is, or None.
        nucleus: is there a top_p?
        g: what is drawn from.
        loud: the first row's logits are all near 300.
    """
    cuts = top_k is not None and top_k < shape[-1]
    while True:
        logits = 2 * torch.randn(shape, generator=g)
        temperature = size(4, 25, g) / 10
        if cuts:
            order = logits.argsort(-1, descending=True)
            worst_in, best_out = order[..., top_k - 1 : top_k], order[..., top_k : top_k + 1]
            logits = logits.scatter(-1, best_out, logits.gather(-1, worst_in))
        if loud:
            logits.view(-1, shape[-1])[0] += 300
        given = dict(logits=logits, temperature=temperature, top_k=top_k, top_p=None)
        if not nucleus:
            return given
        left = chapter.filter_logits(logits, temperature, top_k)
        for top_p in (torch.randint(50, 950, (20,), generator=g) / 1000).tolist():
            in_either_order = (
                cuts and not (_enough(left, top_p) ^ _enough(logits / temperature, top_p))[left.isfinite()].any()
            )
            if _is_clear(left, top_p) and not in_either_order:
                return given | dict(top_p=round(top_p, 3))


def visible_filters(g: torch.Generator) -> dict:
    """Three rows of eight tokens; top_k, top_p or both."""
    kind = size(0, 2, g)
    return draw_filters((3, 8), None if kind == 0 else size(2, 5, g), kind < 2, g)


def hidden_filters(g: torch.Generator) -> dict:
    """No leading axis, one or two; one token or more than there are; logits of 300; a top_p of 1."""
    vocab, kind, loud = size(6, 30, g), size(0, 5, g), size(0, 1, g) > 0
    shape = ((vocab,), (size(2, 4, g), vocab), (2, size(1, 3, g), vocab))[size(0, 2, g)]
    if kind < 2:
        return draw_filters(shape, None, True, g, loud)
    if kind < 4:
        given = draw_filters(shape, size(1, 5, g), False, g, loud)
        left = chapter.filter_logits(given["logits"], given["temperature"], given["top_k"])
        return given | dict(top_p=1.0 if kind == 3 and _is_clear(left, 1.0) else None)
    return draw_filters(shape, size(2, vocab - 2, g) if kind == 4 else vocab + size(1, 5, g), True, g, loud)


def _at_least_the_last(logits: Tensor, top_k: int) -> Tensor:
    weakest = logits.topk(min(top_k, logits.size(-1))).values[..., -1:]
    return logits >= weakest


def _exactly_k(logits: Tensor, top_k: int) -> Tensor:
    chosen = logits.topk(min(top_k, logits.size(-1))).indices
    return torch.zeros_like(logits, dtype=torch.bool).scatter(-1, chosen, True)


def _best_of_all(logits: Tensor, top_k: int) -> Tensor:
    return logits >= logits.flatten().topk(min(top_k, logits.numel())).values[-1]


def _back_in_place(stays: Tensor, order: Tensor) -> Tensor:
    return torch.zeros_like(stays).scatter(-1, order, stays)


def _first_always(stays: Tensor) -> Tensor:
    return stays | (torch.arange(stays.size(-1)) == 0)


def _enough(logits: Tensor, top_p: float) -> Tensor:
    _, before, order = _best_first(logits)
    return _back_in_place(_first_always(before < top_p), order)


def _without_the_crossing(logits: Tensor, top_p: float, first=_first_always) -> Tensor:
    probabilities, before, order = _best_first(logits)
    return _back_in_place(first(before + probabilities <= top_p), order)


def _one_more(logits: Tensor, top_p: float) -> Tensor:
    _, before, order = _best_first(logits)
    return _back_in_place(_first_always(F.pad(before, (1, 0))[..., :-1] < top_p), order)


def _not_back_in_place(logits: Tensor, top_p: float) -> Tensor:
    return _first_always(_best_first(logits)[1] < top_p)


def _not_sorted(logits: Tensor, top_p: float) -> Tensor:
    probabilities = logits.softmax(-1)
    return _first_always(probabilities.cumsum(-1) - probabilities < top_p)


def _naive_nucleus(logits: Tensor, top_p: float) -> Tensor:
    exponentials = logits.exp()
    probabilities, order = (exponentials / exponentials.sum(-1, keepdim=True)).sort(descending=True, stable=True)
    return _back_in_place(_first_always(probabilities.cumsum(-1) - probabilities < top_p), order)


def _filter_variant(
    heat=lambda logits, temperature: logits / temperature,
    best=_at_least_the_last,
    nucleus=_enough,
    gone=-math.inf,
    heat_last=False,
    nucleus_first=False,
    either_or=False,
    finish=lambda logits: logits,
):
    """Filters with one thing changed, to make mistakes from."""

    def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
        if not heat_last:
            logits = heat(logits, temperature)
        everything = logits
        if top_k is not None:
            logits = logits.masked_fill(~best(logits, top_k), gone)
        if top_p is not None and not (either_or and top_k is not None):
            logits = logits.masked_fill(~nucleus(everything if nucleus_first else logits, top_p), gone)
        return finish(heat(logits, temperature) if heat_last else logits)

    return filter_logits


filter_logits = Task(
    name="filter_logits",
    reference=chapter.filter_logits,
    outputs=("the filtered logits",),
    visible=visible_filters,
    hidden=hidden_filters,
    tolerance=1e-3,  # a hidden logit is 300, over a temperature of 0.4
    draws=5,
    mistakes=(
        Mistake(
            "multiplied by the temperature",
            _filter_variant(heat=lambda logits, temperature: logits * temperature),
            "The logits are multiplied by the temperature. Divide: a low temperature makes differences larger.",
        ),
        Mistake(
            "temperature ignored",
            _filter_variant(heat=lambda logits, temperature: logits),
            "The temperature has no effect.",
        ),
        Mistake(
            "temperature last",
            _filter_variant(heat_last=True),
            "The temperature comes last, so that top_p sums probabilities that are not those drawn from. It comes "
            "first.",
        ),
        Mistake(
            "top_k ignored",
            _filter_variant(best=lambda logits, top_k: torch.ones_like(logits, dtype=torch.bool)),
            "top_k has no effect.",
        ),
        Mistake(
            "exactly k",
            _filter_variant(best=_exactly_k),
            "Of tokens that are equally probable, one is kept and another cut off. What ties with the k-th stays, so "
            "that it does not depend on a sort who goes.",
        ),
        Mistake(
            "the k weakest",
            _filter_variant(best=lambda logits, top_k: _at_least_the_last(-logits, top_k)),
            "The k least probable tokens are kept. Keep the most probable ones.",
        ),
        Mistake(
            "k of the whole batch",
            _filter_variant(best=_best_of_all),
            "One limit serves all rows, that of the k best logits in the whole batch. Each row has its own k best.",
        ),
        Mistake(
            "top_p ignored",
            _filter_variant(nucleus=lambda logits, top_p: torch.ones_like(logits, dtype=torch.bool)),
            "top_p has no effect.",
        ),
        Mistake(
            "one filter or the other",
            _filter_variant(either_or=True),
            "Where top_k is given, top_p has no effect. They work one after the other: two ifs, and no elif.",
        ),
        Mistake(
            "top_p before top_k",
            _filter_variant(nucleus_first=True),
            "top_p sums probabilities in which the tokens that top_k cut off still have a part. Take the softmax of "
            "what top_k has left.",
        ),
        Mistake(
            "the one that reaches p is lost",
            _filter_variant(nucleus=_without_the_crossing),
            "The token with which the sum reaches p is cut off, so that what is left sums to less. It stays: a token "
            "goes if those *before* it already sum to p.",
        ),
        Mistake(
            "nothing left",
            _filter_variant(nucleus=lambda logits, top_p: _without_the_crossing(logits, top_p, lambda stays: stays)),
            "Tokens stay while the sum, their own probability in it, is at most p. Where the best one alone has more "
            "than p, nothing is left to draw from. A token goes if those *before* it already sum to p.",
        ),
        Mistake(
            "one too many",
            _filter_variant(nucleus=_one_more),
            "top_p keeps one token too many. A token goes if those before it already sum to p.",
        ),
        Mistake(
            "cut in sorted order",
            _filter_variant(nucleus=_not_back_in_place),
            "What stays was found in sorted order and used in the order of the ids. Bring it back: scatter with the "
            "places that sort returned.",
        ),
        Mistake(
            "not sorted",
            _filter_variant(nucleus=_not_sorted),
            "The probabilities are summed in the order of the ids. Sort them first: the most probable ones come first.",
        ),
        Mistake(
            "each against p",
            _filter_variant(nucleus=lambda logits, top_p: logits.softmax(-1) >= top_p),
            "Each probability is held against p by itself. It is their sum, the most probable first, that reaches p.",
        ),
        Mistake(
            "0 instead of minus infinity",
            _filter_variant(gone=0.0),
            "What is cut off got the logit 0, and exp(0) = 1 is a good one. It has to be minus infinity.",
        ),
        Mistake(
            "a large negative number",
            _filter_variant(gone=-1e9),
            "What is cut off got a large negative number. Give minus infinity, float('-inf'), so that one can see what "
            "is gone.",
        ),
        Mistake(
            "probabilities",
            _filter_variant(finish=lambda logits: logits.softmax(-1)),
            "These are probabilities. Return logits: whoever draws takes the softmax.",
        ),
        Mistake(
            "exponentials overflow",
            _filter_variant(nucleus=_naive_nucleus),
            "Large logits overflow: exp(300) is infinite in single precision. Use softmax, which subtracts the largest "
            "logit first.",
            visible=False,
        ),
    ),
)

# Task 4: attention that keeps ----------------------------------------------------------------------------------------

Kept = tuple[Tensor, Tensor]


@cache  # making a module takes longer than asking it
def _heads(width: int, num_heads: int) -> chapter.CausalSelfAttention:
    return chapter.CausalSelfAttention(width, num_heads).eval()


def reference_attention_step(
    hidden: Tensor, weights: dict[str, Tensor], num_heads: int, kept: Kept | None = None
) -> tuple[Tensor, Kept]:
    """The chapter's CausalSelfAttention with the given weights; differentiable."""
    named = {f"{name}.{kind}": weights[f"{name}_{kind}"] for name in PROJECTIONS for kind in ("weight", "bias")}
    return functional_call(_heads(hidden.size(-1), num_heads), named, (hidden, kept))


def draw_step(batch: int, new: int, kept: int, heads: int, width: int, g: torch.Generator) -> dict:
    """The newest places (B, T, D), weights, and what an earlier step kept of t others; with t = 0 there was none."""
    weights = draw_projections(heads * width, g)
    before = torch.randn(batch, kept, heads * width, generator=g)
    return dict(
        hidden=torch.randn(batch, new, heads * width, generator=g),
        weights=weights,
        num_heads=heads,
        kept=reference_attention_step(before, weights, heads)[1] if kept else None,
    )


def visible_step(g: torch.Generator) -> dict:
    """Three heads that are four wide, with something kept and without."""
    return draw_step(2, 5, size(0, 1, g) * size(2, 4, g), 3, 4, g)


def hidden_step(g: torch.Generator) -> dict:
    """Other sizes, a batch or a new place that is alone."""
    new, kept = size(1, 6, g), size(0, 12, g) * (size(0, 3, g) > 0)
    return draw_step(size(1, 3, g), new, kept, size(2, 4, g), size(2, 5, g), g)


def _linear(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return F.linear(x, weights[f"{name}_weight"], weights[f"{name}_bias"])


def _untransposed(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return x @ weights[f"{name}_weight"] + weights[f"{name}_bias"]


def _no_bias(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return F.linear(x, weights[f"{name}_weight"])


def _deal(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, H, T, D/H)


def _step_variant(
    linear=_linear,
    deal=_deal,
    merge=lambda found: found.transpose(1, 2).flatten(2),
    finish=None,
    scale=lambda query, width: query.size(-1) ** 0.5,
    join=lambda old, new: torch.cat([old, new], 2),
    mask=reference_causal_mask,
    keep=lambda key, value, new: (key, value),
):
    """A step of attention with one thing changed, to make mistakes from."""

    def step(hidden, weights, num_heads, kept=None):
        query, key, value = (deal(linear(hidden, weights, name), num_heads) for name in PROJECTIONS[:3])
        new = key, value
        if kept is not None:
            key, value = join(kept[0], key), join(kept[1], value)
        allowed = mask(query.size(2), key.size(2) - query.size(2))
        scores = (query @ key.mT / scale(query, hidden.size(-1))).masked_fill(~allowed, -math.inf)
        found = merge(scores.softmax(-1) @ value)
        return (finish or linear)(found, weights, "output"), keep(key, value, new)

    return step


attention_step = Task(
    name="attention_step",
    reference=reference_attention_step,
    outputs=("what was found", "what is kept"),
    visible=visible_step,
    hidden=hidden_step,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "what was kept is not used",
            _step_variant(join=lambda old, new: new),
            "kept has no effect: the new places see only each other.",
        ),
        Mistake(
            "new before old",
            _step_variant(join=lambda old, new: torch.cat([new, old], 2)),
            "The new keys and values stand before the old ones. They come after: the order of the places is that of "
            "the text.",
        ),
        Mistake(
            "only the new is kept",
            _step_variant(keep=lambda key, value, new: new),
            "Only the new keys and values are returned, so the next step would forget what came before. Return all.",
        ),
        Mistake(
            "values before keys",
            _step_variant(keep=lambda key, value, new: (value, key)),
            "Keys and values have changed places in what you return: first the keys.",
        ),
        Mistake(
            "no mask",
            _step_variant(mask=lambda new, kept: _ones(new, kept + new)),
            "There is no mask: a new place sees those after it. Several can be new at once.",
        ),
        Mistake(
            "a mask only at the beginning",
            _step_variant(mask=lambda new, kept: _ones(new, kept + new) if kept else reference_causal_mask(new)),
            "With something kept there is no mask. It takes none only where a single place is new; several must not "
            "see each other's future.",
        ),
        Mistake(
            "the oldest rows of the mask",
            _step_variant(mask=lambda new, kept: _ones(new, kept + new).tril()),
            "The mask holds the first T rows of the large one, so the new places see too little. Theirs are the last T "
            "rows.",
        ),
        Mistake(
            "not at itself",
            _step_variant(
                mask=lambda new, kept: _ones(new, kept + new).tril(kept - 1) | (torch.arange(kept + new) < 1)
            ),
            "A place does not look at itself, although it may.",
        ),
        Mistake(
            "split without transposing",
            _step_variant(deal=lambda x, heads: x.reshape(len(x), heads, x.size(1), -1)),
            "The heads are cut with view or reshape alone, which mixes up places and heads. First (B, T, H, D/H), then "
            "transpose the two axes in the middle.",
        ),
        Mistake(
            "merged without transposing",
            _step_variant(merge=lambda found: found.reshape(len(found), found.size(2), -1)),
            "The heads are put together with reshape alone. Transpose (B, H, T, D/H) back to (B, T, H, D/H) first.",
        ),
        Mistake(
            "scaled by the whole width",
            _step_variant(scale=lambda query, width: width**0.5),
            "The scores are divided by sqrt(D). Each head multiplies vectors that are D/H wide: divide by sqrt(D/H).",
        ),
        Mistake(
            "no scaling",
            _step_variant(scale=lambda query, width: 1.0),
            "The scores are not divided by the square root of a head's width, D/H.",
        ),
        Mistake(
            "no output projection",
            _step_variant(finish=lambda found, weights, name: found),
            "The output projection is missing: the heads lie side by side, and W_O is what mixes them.",
        ),
        Mistake(
            "biases forgotten",
            _step_variant(linear=_no_bias),
            "The four biases are missing.",
        ),
        Mistake(
            "weights not transposed",
            _step_variant(linear=_untransposed),
            "The weights lie as in torch.nn.Linear, (outputs, inputs): multiply with W.T.",
        ),
    ),
)

# Task 5a: what the last real token says ------------------------------------------------------------------------------


def draw_states(batch: int, longest: int, width: int, classes: int, g: torch.Generator) -> dict:
    """States (B, T, D) of texts of any length up to T, and a layer for so many classes."""
    lengths = torch.randint(1, longest + 1, (batch,), generator=g)
    hidden, weight = torch.randn(batch, longest, width, generator=g), torch.randn(classes, width, generator=g)
    return dict(hidden=hidden, lengths=lengths, weight=weight, bias=torch.randn(classes, generator=g))


def reference_classify(hidden: Tensor, lengths: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The chapter's head with the given layer: (B, T, D) and (B,) give logits (B, C); differentiable."""
    return F.linear(hidden[torch.arange(len(hidden)), lengths - 1], weight, bias)


def _real(hidden: Tensor, lengths: Tensor) -> Tensor:
    return (torch.arange(hidden.size(1)) < lengths[:, None]).unsqueeze(-1)  # (B, T, 1)


def _head_variant(state, finish=lambda logits: logits, biased=1):
    """The head with another state read off, or something else changed, to make mistakes from."""

    def classify(hidden, lengths, weight, bias):
        return finish(F.linear(state(hidden, lengths), weight, biased * bias))

    return classify


def _last(hidden: Tensor, lengths: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden)), lengths - 1]


classify = Task(
    name="classify",
    reference=reference_classify,
    outputs=("the logits of the classes",),
    visible=lambda g: draw_states(4, 6, 8, 3, g),
    hidden=lambda g: draw_states(size(1, 5, g), size(1, 9, g), size(3, 10, g), size(2, 5, g), g),
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "the last column",
            _head_variant(lambda hidden, lengths: hidden[:, -1]),
            "The last column is read, which in a shorter text is padding. Each row has its own last token, at "
            "lengths - 1.",
        ),
        Mistake(
            "one too far",
            _head_variant(
                lambda hidden, lengths: hidden[torch.arange(len(hidden)), lengths.clamp(max=hidden.size(1) - 1)]
            ),
            "The place after the last token is read. Places count from 0, so the last of n tokens is at n - 1.",
        ),
        Mistake(
            "the first token",
            _head_variant(lambda hidden, lengths: hidden[:, 0]),
            "The first token is read, which has seen nothing but itself. Only the last one has seen the whole text.",
        ),
        Mistake(
            "mean of the text",
            _head_variant(lambda hidden, lengths: (hidden * _real(hidden, lengths)).sum(1) / lengths[:, None]),
            "This is the mean of all real tokens. Read the last one alone.",
        ),
        Mistake(
            "mean of all places",
            _head_variant(lambda hidden, lengths: hidden.mean(1)),
            "This is the mean of all places, padding among them. Read the last real token alone.",
        ),
        Mistake(
            "largest of the text",
            _head_variant(lambda hidden, lengths: hidden.masked_fill(~_real(hidden, lengths), -math.inf).max(1).values),
            "These are the largest numbers of each column over the text. Read the last real token alone.",
        ),
        Mistake(
            "bias forgotten",
            _head_variant(_last, biased=0),
            "The bias is missing.",
        ),
        Mistake(
            "probabilities",
            _head_variant(_last, finish=lambda logits: logits.softmax(-1)),
            "These are probabilities. Return logits: the loss takes the softmax.",
        ),
        Mistake(
            "every place",
            lambda hidden, lengths, weight, bias: F.linear(hidden, weight, bias),
            "Each place has an answer here. It takes one for each text, that of its last real token: (B, C).",
        ),
    ),
)

# Task 5b: the loss of fine-tuning ------------------------------------------------------------------------------------


def draw_fine_tuning(batch: int, longest: int, classes: int, language_weight: float, g: torch.Generator, pad_id=0):
    """Answers (B, C) with their labels, and texts with the logits (B, T, V) after each of their tokens."""
    given = draw_guesses(batch, longest, 13, g, pad_id)
    answers, labels = 2 * torch.randn(batch, classes, generator=g), torch.randint(classes, (batch,), generator=g)
    return dict(answers=answers, labels=labels) | given | dict(language_weight=language_weight)


def hidden_fine_tuning(g: torch.Generator) -> dict:
    """Any number of classes, a weight that may be 0 or above 1, another id for padding."""
    weight = (0.0, 0.3, 2.0)[size(0, 2, g)]
    return draw_fine_tuning(size(1, 4, g), size(2, 8, g), size(2, 5, g), weight, g, pad_id=size(2, 9, g))


def _next(logits: Tensor, ids: Tensor, pad_id: int) -> Tensor:
    return sequence_loss(logits[:, :-1], ids[:, 1:], pad_id)


def _fine_tuning_variant(
    class_loss=F.cross_entropy,
    language_loss=_next,
    add=lambda classes, language, weight: classes + weight * language,
):
    """The loss of fine-tuning with one thing changed, to make mistakes from."""

    def loss(answers, labels, logits, ids, language_weight=0.5, pad_id=0):
        return add(class_loss(answers, labels), language_loss(logits, ids, pad_id), language_weight)

    return loss


fine_tuning_loss = Task(
    name="fine_tuning_loss",
    reference=_fine_tuning_variant(),
    outputs=("the loss",),
    visible=lambda g: draw_fine_tuning(3, 6, 3, 0.5, g),
    hidden=hidden_fine_tuning,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "not moved",
            _fine_tuning_variant(language_loss=sequence_loss),
            "The logits after a token are held against that token. They guess the next one: all logits but the last, "
            "and all ids but the first.",
        ),
        Mistake(
            "moved to the left",
            _fine_tuning_variant(
                language_loss=lambda logits, ids, pad_id: sequence_loss(logits[:, 1:], ids[:, :-1], pad_id)
            ),
            "The logits are held against the token before, which the model has already read. They guess the next one.",
        ),
        Mistake(
            "no language term",
            _fine_tuning_variant(add=lambda classes, language, weight: classes),
            "Only the classes count. The language model's loss is added, times language_weight.",
        ),
        Mistake(
            "weight ignored",
            _fine_tuning_variant(add=lambda classes, language, weight: classes + language),
            "language_weight has no effect: the two losses are added as they are.",
        ),
        Mistake(
            "weight on the classes",
            _fine_tuning_variant(add=lambda classes, language, weight: weight * classes + language),
            "language_weight stands before the loss of the classes. It belongs to the language model's.",
        ),
        Mistake(
            "weighted mean",
            _fine_tuning_variant(add=lambda classes, language, weight: (1 - weight) * classes + weight * language),
            "This is a weighted mean of the two. The loss of the classes counts whole, and the other is added to it.",
        ),
        Mistake(
            "padding counts",
            _fine_tuning_variant(
                language_loss=lambda logits, ids, pad_id: _surprise(logits[:, :-1], ids[:, 1:]).mean()
            ),
            "The language model has to guess the padding, too. Leave it out, as in task 2.",
        ),
        Mistake(
            "sum over the tokens",
            _fine_tuning_variant(
                language_loss=lambda logits, ids, pad_id: _next(logits, ids, pad_id) * (ids[:, 1:] != pad_id).sum()
            ),
            "The language model's loss is a sum. Both losses are means: one over texts, the other over real tokens.",
        ),
        Mistake(
            "sum over the texts",
            _fine_tuning_variant(class_loss=lambda answers, labels: F.cross_entropy(answers, labels, reduction="sum")),
            "The loss of the classes is a sum over the texts. Take the mean.",
        ),
        Mistake(
            "padding is always 0",
            _fine_tuning_variant(language_loss=lambda logits, ids, pad_id: _next(logits, ids, 0)),
            "The id 0 is taken for padding although pad_id says otherwise.",
            visible=False,
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4", "task-5")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-beginning": (
        "return torch.cat([first, ids[:, :-1]], 1)",
        "return torch.cat([ids[:, 1:], first], 1)",
        "moved to the left",
    ),
    "wrong-nucleus": (
        "before = probabilities.cumsum(-1) - probabilities",
        "before = probabilities.cumsum(-1)",
        "the one that reaches p is lost",
    ),
    "wrong-memory": (
        'return project(found.transpose(1, 2).flatten(2), "output"), (key, value)',
        'return project(found.transpose(1, 2).flatten(2), "output"), (value, key)',
        "values before keys",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-3", "from seq2bert.gpt import filter_logits")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name; here every sentence is judged rightly."""
    said = [opinion.label for opinion in held_out_sentences()]
    return {
        "predictions.json": json.dumps(dict.fromkeys(MODELS, said)),
        "metrics.json": json.dumps({"sentences": len(said)}),
    }
