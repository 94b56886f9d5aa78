"""Assignment 03: shift and loss mask, decoder step, beam step, error rates.

The marks of the experiment are in `seq2seq_experiment`; the notebook finds them here, too.
"""

import json
import math
import random
from dataclasses import replace
from functools import cache, partial

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torch.nn import functional as F

from seq2bert import pretrained
from seq2bert import seq2seq as chapter
from seq2bert.checks.seq2seq_experiment import experiment_points, experiment_words, predictions
from seq2bert.checks.task import Mistake, Task
from seq2bert.data import g2p
from seq2bert.evaluation import pronunciation

__all__ = [  # what the notebook calls
    "beam_of_one",
    "beam_step",
    "decoder_step",
    "error_rates",
    "experiment_points",
    "experiment_words",
    "predictions",
    "sequence_loss",
    "shift",
]

# Task 1a: shift ------------------------------------------------------------------------------------------------------


def draw_targets(rows: int, longest: int, g: torch.Generator) -> Tensor:
    """Padded targets `<bos> y1 ... yn <eos> <pad>` with ids from 4 to 11: (rows, at most longest + 2).

    The first row is the longest, so that every other one has padding.
    """
    lengths = torch.randint(2, longest + 1, (1,), generator=g).tolist()
    lengths += torch.randint(1, lengths[0], (rows - 1,), generator=g).tolist()
    return chapter.pad([[1, *torch.randint(4, 12, (n,), generator=g).tolist(), 2] for n in lengths])[0]


shift = Task(
    name="shift",
    reference=chapter.shift,
    outputs=("inputs", "labels"),
    visible=lambda g: dict(targets=draw_targets(3, 5, g)),
    hidden=lambda g: dict(targets=draw_targets(int(torch.randint(1, 6, (), generator=g)), 9, g)),
    mistakes=(
        Mistake(
            "no shift",
            lambda targets: (targets[:, :-1], targets[:, :-1]),
            "Inputs and labels are the same: the decoder is asked to repeat what it reads, not to say what comes next.",
        ),
        Mistake(
            "wrong way round",
            lambda targets: (targets[:, 1:], targets[:, :-1]),
            "Inputs and labels are swapped: the decoder reads the answer and predicts the token before it.",
        ),
        Mistake(
            "inputs not cut",
            lambda targets: (targets, targets[:, 1:]),
            "The inputs still hold their last column: nothing follows it, so it has no label.",
        ),
        Mistake(
            "labels not cut",
            lambda targets: (targets[:, :-1], targets),
            "The labels still begin with <bos>, which the decoder is given and never has to write.",
        ),
        Mistake(
            "rolled",
            lambda targets: (targets.roll(1, dims=1), targets),
            "A rolled tensor brings its last column round to the front: the first input must be <bos>.",
        ),
        Mistake(
            "eos lost",
            lambda targets: (targets[:, :-2], targets[:, 1:-1]),
            "The last label is cut off: without <eos> the decoder never learns to stop.",
        ),
        Mistake(
            "cut along the batch",
            lambda targets: (targets[:-1], targets[1:]),
            "You cut the batch axis. Time is the second axis: targets[:, ...].",
        ),
    ),
)


# Task 1b: the loss ---------------------------------------------------------------------------------------------------


def draw_loss(rows: int, longest: int, pad_id: int, g: torch.Generator, scale: float = 2.0) -> dict:
    """Logits (B, T, 12) and padded labels (B, T); with another pad_id, its former tokens swap places with padding.

    With a large scale, the logits of the first place reach 100, whose exponential is infinite in single precision.
    """
    labels = draw_targets(rows, longest, g)[:, 1:]
    if pad_id:
        labels = torch.where(labels == 0, pad_id, torch.where(labels == pad_id, 0, labels))
    logits = scale * torch.randn(*labels.shape, 12, generator=g)
    if scale > 10:
        logits[0, 0] += 100 - logits[0, 0].max()
    return dict(logits=logits, labels=labels, pad_id=pad_id)


def _token_losses(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def _zeroed_but_counted(logits, labels, pad_id=0):
    return (_token_losses(logits, labels) * (labels != pad_id)).mean()


def _summed(logits, labels, pad_id=0):
    return (_token_losses(logits, labels) * (labels != pad_id)).sum()


def _mean_of_rows(logits, labels, pad_id=0):
    real = labels != pad_id
    return ((_token_losses(logits, labels) * real).sum(1) / real.sum(1)).mean()


def _naive_softmax(logits, labels, pad_id=0):
    picked = logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1).exp() / logits.exp().sum(-1)
    real = labels != pad_id
    return -(picked.log() * real).sum() / real.sum()


sequence_loss = Task(
    name="sequence_loss",
    reference=chapter.sequence_loss,
    outputs=("the loss",),
    visible=lambda g: draw_loss(3, 6, 0, g),
    hidden=lambda g: draw_loss(int(torch.randint(2, 6, (), generator=g)), 9, 7, g, scale=40.0),
    tolerance=1e-3,  # hidden losses are about 60 nats, where single precision ends
    mistakes=(
        Mistake(
            "padding counted",
            lambda logits, labels, pad_id=0: _token_losses(logits, labels).mean(),
            "Padding is scored as if it were text. Only places where labels != pad_id may take part.",
        ),
        Mistake(
            "zeroed but counted",
            _zeroed_but_counted,
            "The losses of padding are zero, but the mean still divides by all B*T cells: divide by the real tokens.",
        ),
        Mistake("summed", _summed, "This is the sum over the real tokens. Divide it by how many they are."),
        Mistake(
            "mean of rows",
            _mean_of_rows,
            "This is a mean over sequences of their means, so a token in a short sequence weighs more. "
            "Every real token of the batch should weigh the same.",
        ),
        Mistake(
            "softmax twice",
            lambda logits, labels, pad_id=0: chapter.sequence_loss(logits.softmax(-1), labels, pad_id),
            "The logits went through a softmax before the cross-entropy, which applies one itself.",
        ),
        Mistake(
            "exponentials overflow",
            _naive_softmax,
            "Large logits overflow: exp(100) is infinite in single precision. Use log_softmax, which subtracts the "
            "largest logit first.",
            visible=False,
        ),
        Mistake(
            "bits",
            lambda logits, labels, pad_id=0: chapter.sequence_loss(logits, labels, pad_id) / math.log(2),
            "This loss is in bits. The course measures in nats: use the natural logarithm.",
        ),
        Mistake(
            "padding is always 0",
            lambda logits, labels, pad_id=0: chapter.sequence_loss(logits, labels, 0),
            "The id 0 is taken for padding although pad_id says otherwise.",
            visible=False,
        ),
    ),
)

# Task 2: one step of the decoder -------------------------------------------------------------------------------------


def reference_decoder_step(weights: dict[str, Tensor], token: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The chapter's Decoder with the given weights, asked for one step."""
    decoder = _decoder(*weights["embedding"].shape, hidden.size(1)).to(hidden.device)
    recurrent = {f"recurrent.layers.0.{name}": weights[name] for name in CELL_WEIGHTS}
    ends = {
        "embedding.weight": weights["embedding"],
        "output.weight": weights["output_weight"],
        "output.bias": weights["output_bias"],
    }
    decoder.load_state_dict(recurrent | ends)
    with torch.no_grad():
        logits, ((hidden,),) = decoder(token.unsqueeze(1), ((hidden,),))
    return logits.squeeze(1), hidden


@cache  # making a module takes longer than asking it
def _decoder(vocab: int, width: int, size: int) -> chapter.Decoder:
    return chapter.Decoder(chapter.Seq2SeqConfig(1, vocab, width, size, cell="gru"))


CELL_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def draw_step(batch: int, vocab: int, width: int, size: int, g: torch.Generator) -> dict:
    """Random weights of a GRU decoder, one token and one state for each of `batch` rows."""
    shapes = {
        "embedding": (vocab, width),
        "weight_ih": (3 * size, width),
        "weight_hh": (3 * size, size),
        "bias_ih": (3 * size,),
        "bias_hh": (3 * size,),
        "output_weight": (vocab, size),
        "output_bias": (vocab,),
    }
    return dict(
        weights={name: torch.randn(*shape, generator=g) for name, shape in shapes.items()},
        token=torch.randint(0, vocab, (batch,), generator=g),
        hidden=torch.randn(batch, size, generator=g),
    )


def _gru_variant(
    order=(0, 1, 2), keep=True, reset="product", biases=True, activation=torch.tanh, read_old=False, finish=None
):
    """A GRU step with one thing changed, to make mistakes from."""

    def step(weights, token, hidden):
        embedded = weights["embedding"][token]
        bias_ih, bias_hh = (weights["bias_ih"], weights["bias_hh"]) if biases else (None, None)
        x = F.linear(embedded, weights["weight_ih"], bias_ih).chunk(3, -1)
        h = F.linear(hidden, weights["weight_hh"], bias_hh).chunk(3, -1)
        r, z, n = order
        gate, update = (x[r] + h[r]).sigmoid(), (x[z] + h[z]).sigmoid()
        u_n, d_n = weights["weight_hh"].chunk(3)[n], weights["bias_hh"].chunk(3)[n]
        inner = {
            "product": lambda: gate * h[n],  # right
            "before": lambda: F.linear(gate * hidden, u_n, d_n),
            "without bias": lambda: gate * F.linear(hidden, u_n) + d_n,
        }[reset]
        candidate = activation(x[n] + inner())
        new = (1 - update) * candidate + update * hidden if keep else update * candidate + (1 - update) * hidden
        logits = F.linear(hidden if read_old else new, weights["output_weight"], weights["output_bias"])
        return (finish(logits) if finish else logits), new

    return step


decoder_step = Task(
    name="decoder_step",
    reference=reference_decoder_step,
    outputs=("logits", "hidden"),
    visible=lambda g: draw_step(3, 7, 4, 5, g),
    hidden=lambda g: draw_step(int(torch.randint(1, 5, (), generator=g)), 11, 6, 8, g),
    tolerance=1e-4,
    draws=2,  # random weights leave nothing to luck
    mistakes=(
        Mistake(
            "gates swapped",
            _gru_variant(order=(1, 0, 2)),
            "Reset and update gate have changed places: the rows of the weights are in the order r, z, n.",
        ),
        Mistake(
            "update gate inverted",
            _gru_variant(keep=False),
            "The update gate is inverted: z = 1 keeps the old state, h' = (1 - z) n + z h.",
        ),
        Mistake(
            "reset before the product",
            _gru_variant(reset="before"),
            "The reset gate is applied to h before the product with U_n. Here, as in torch, it scales the product: "
            "r * (U_n h + b).",
        ),
        Mistake(
            "reset spares the bias",
            _gru_variant(reset="without bias"),
            "The reset gate scales U_n h only; its bias d_n belongs inside the bracket too: r * (U_n h + d_n).",
        ),
        Mistake("biases forgotten", _gru_variant(biases=False), "Both biases, bias_ih and bias_hh, are missing."),
        Mistake(
            "sigmoid for tanh",
            _gru_variant(activation=torch.sigmoid),
            "The candidate n went through a sigmoid; it needs tanh, so that a state can be negative.",
        ),
        Mistake(
            "old state read",
            _gru_variant(read_old=True),
            "The logits are made from the state before the step. Read the token first, then speak: use the new state.",
        ),
        Mistake(
            "probabilities",
            _gru_variant(finish=lambda logits: logits.softmax(-1)),
            "These are probabilities. Return the logits, before any softmax.",
        ),
    ),
)

# Task 3: one step of beam search -------------------------------------------------------------------------------------


def draw_beam(batch: int, beams: int, vocab: int, eos_id: int, g: torch.Generator, hard: bool = False) -> dict:
    """Falling scores of `beams` hypotheses, their next-token log-probabilities, about a third of them finished.

    A hard draw has what real searches have: in the first row the scores of long targets, in the last row the first
    step, where only one hypothesis may begin. The best candidates are never nearly equal: another way to add them up
    puts them in the same order.
    """
    scores = (-3 * torch.rand(batch, beams, generator=g)).sort(-1, descending=True).values
    finished = torch.rand(batch, beams, generator=g) < 0.35
    finished[0] = torch.arange(beams) == 0  # at least one finished, and (with more than one beam) one unfinished
    if hard:
        scores[0] -= 150.0
        scores[-1] = torch.full((beams,), float("-inf"))
        scores[-1, 0] = 0.0
        finished[-1] = False
    log_probs = (2 * torch.randn(batch, beams, vocab, generator=g)).log_softmax(-1)  # (B, K, V)
    totals = scores.unsqueeze(-1) + log_probs  # (B, K, V)
    waiting = torch.where(torch.arange(vocab) == eos_id, scores.unsqueeze(-1), float("-inf"))  # (B, K, V)
    best = torch.where(finished.unsqueeze(-1), waiting, totals).flatten(1).topk(beams + 1).values  # (B, K+1)
    if (best.diff() > -1e-3).any():
        return draw_beam(batch, beams, vocab, eos_id, g, hard)
    return dict(scores=scores, log_probs=log_probs, finished=finished, eos_id=eos_id)


def _beam_variant(freeze=True, add=True, swap=False, waiting_token=None, free=False, fixed_eos=None):
    """A beam step with one thing changed, to make mistakes from."""

    def step(scores, log_probs, finished, eos_id=2):
        eos_id = eos_id if fixed_eos is None else fixed_eos
        vocab = log_probs.size(-1)
        if freeze:
            waiting = torch.full((vocab,), 0.0 if free else float("-inf"))
            waiting[eos_id if waiting_token is None else waiting_token] = 0.0
            log_probs = torch.where(finished.unsqueeze(-1), waiting, log_probs)
        totals = scores.unsqueeze(-1) + log_probs if add else log_probs
        best, place = totals.flatten(1).topk(scores.size(1))
        return (best, place % vocab, place // vocab) if swap else (best, place // vocab, place % vocab)

    return step


def _best_of_each(scores, log_probs, finished, eos_id=2):
    waiting = torch.full((log_probs.size(-1),), float("-inf"))
    waiting[eos_id] = 0.0
    best = (scores.unsqueeze(-1) + torch.where(finished.unsqueeze(-1), waiting, log_probs)).max(-1)
    return best.values, torch.arange(scores.size(1)).expand_as(scores), best.indices


def _multiplied(scores, log_probs, finished, eos_id=2):
    waiting = torch.zeros(log_probs.size(-1))
    waiting[eos_id] = 1.0
    products = scores.exp().unsqueeze(-1) * torch.where(finished.unsqueeze(-1), waiting, log_probs.exp())
    best, place = products.flatten(1).topk(scores.size(1))
    return best.log(), place // log_probs.size(-1), place % log_probs.size(-1)


def _masked_by_product(scores, log_probs, finished, eos_id=2):
    waiting = torch.full((log_probs.size(-1),), float("-inf"))
    waiting[eos_id] = 0.0
    done = finished.unsqueeze(-1).float()
    totals = (scores.unsqueeze(-1) + done * waiting + (1 - done) * log_probs).flatten(1)
    best, place = totals.topk(scores.size(1))
    return best, place // log_probs.size(-1), place % log_probs.size(-1)


beam_step = Task(
    name="beam_step",
    reference=chapter.beam_step,
    outputs=("scores", "parents", "tokens"),
    visible=lambda g: draw_beam(2, 3, 6, 2, g),
    hidden=lambda g: draw_beam(int(torch.randint(2, 5, (), generator=g)), 4, 9, 5, g, hard=True),
    tolerance=1e-4,  # hidden scores are about -150, where single precision ends at 1e-5
    mistakes=(
        Mistake(
            "finished hypotheses go on",
            _beam_variant(freeze=False),
            "A finished hypothesis went on writing after its <eos>. Its only continuation is <eos> again, at no cost.",
        ),
        Mistake(
            "waiting is free for every token",
            _beam_variant(free=True),
            "A finished hypothesis may add any token at no cost, so it fills the beam with copies of itself: "
            "all tokens but <eos> need a log-probability of minus infinity.",
        ),
        Mistake(
            "scores forgotten",
            _beam_variant(add=False),
            "Only the last token is scored. Add the score that the hypothesis already has.",
        ),
        Mistake(
            "parents and tokens swapped",
            _beam_variant(swap=True),
            "Parents and tokens have changed places: in a flattened (K, V) table, place // V is the row (the "
            "hypothesis) and place % V the column (the token).",
        ),
        Mistake(
            "best of each",
            _best_of_each,
            "Each hypothesis kept its own best continuation. The K best are chosen among all K*V, so that one good "
            "hypothesis can have several children and a bad one none.",
        ),
        Mistake(
            "probabilities multiplied",
            _multiplied,
            "Probabilities are multiplied. Over a long target their product vanishes; add logarithms instead.",
            visible=False,
        ),
        Mistake(
            "masked by multiplication",
            _masked_by_product,
            "0 times minus infinity is not a number. Choose with torch.where instead of multiplying with a mask.",
        ),
        Mistake(
            "waits with padding",
            _beam_variant(waiting_token=0),
            "Finished hypotheses wait with token 0; they should repeat eos_id.",
        ),
        Mistake(
            "eos is always 2",
            _beam_variant(fixed_eos=2),
            "The id 2 is taken for <eos> although eos_id says otherwise.",
            visible=False,
        ),
    ),
)

beam_of_one = replace(
    beam_step,
    name="beam_step with one hypothesis (greedy search)",
    visible=lambda g: draw_beam(3, 1, 6, 2, g),
    hidden=lambda g: draw_beam(int(torch.randint(2, 5, (), generator=g)), 1, 9, 5, g, hard=True),
    mistakes=tuple(mistake for mistake in beam_step.mistakes if mistake.name != "best of each"),  # here it is right
)

# Task 4: error rates -------------------------------------------------------------------------------------------------

SOUNDS = ("AA", "AE", "B", "D", "IY", "K", "L", "N", "S", "T")


def draw_words(words: int, ways: int, g: torch.Generator, hard: bool = False) -> dict:
    """Random pronunciations, and hypotheses that are one of them with a few phonemes dropped, added or replaced.

    A hard draw has a word for which nothing was written, and one with two references that are equally near.
    """

    dice = random.Random(int(torch.randint(2**62, (), generator=g)))  # ten times faster than torch, a number at a time

    def said(length: int) -> list[str]:
        return dice.choices(SOUNDS, k=length)

    references = [[said(dice.randrange(2, 8)) for _ in range(dice.randint(1, ways))] for _ in range(words)]
    hypotheses = []
    for row in references:
        mine = list(row[-1])
        for _ in range(dice.randrange(3)):
            place = dice.randrange(len(mine))
            mine[place : place + dice.randrange(2)] = said(dice.randrange(2))
            mine = mine or said(1)
        hypotheses.append(mine)
    if hard:
        hypotheses[0] = []
        stem = said(3)
        hypotheses[1], references[1] = stem, [stem[:2], [*stem, "K"]]
    return dict(hypotheses=hypotheses, references=references)


def reference_error_rates(hypotheses, references) -> tuple[float, float]:
    """PER and WER as a plain pair."""
    rates = pronunciation.error_rates(hypotheses, references)
    return rates.per, rates.wer


def _rates_variant(
    distance=Levenshtein.distance,
    ways=slice(None),
    length=lambda mine, near: len(near),
    per_word=False,
    count=False,
    longer=True,
):
    """Error rates with one thing changed, to make mistakes from."""

    def rates(hypotheses, references):
        edits, lengths = [], []
        for mine, row in zip(hypotheses, references, strict=True):
            best = min((distance(mine, way), -len(way) if longer else len(way), way) for way in row[ways])
            edits.append(best[0])
            lengths.append(max(1, length(mine, best[2])))
        parts = [e / n for e, n in zip(edits, lengths, strict=True)]
        per = sum(parts) / len(parts) if per_word else sum(edits) / sum(lengths)
        return per, (sum(edits) if count else sum(e > 0 for e in edits)) / len(edits)

    return rates


def _place_by_place(a, b):
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


error_rates = Task(
    name="error_rates",
    reference=reference_error_rates,
    outputs=("PER", "WER"),
    visible=lambda g: draw_words(8, 2, g),
    hidden=lambda g: draw_words(30, 3, g, hard=True),
    mistakes=(
        Mistake(
            "only the first pronunciation",
            _rates_variant(ways=slice(1)),
            "Only the first pronunciation of each word was compared. The nearest of them counts.",
        ),
        Mistake(
            "place by place",
            _rates_variant(distance=_place_by_place),
            "Phonemes are compared place by place, so that one missing phoneme spoils all that follow. "
            "Use the edit distance.",
        ),
        Mistake(
            "substitution costs two",
            _rates_variant(distance=partial(Levenshtein.distance, weights=(1, 1, 2))),
            "A substitution costs 2 here. It is one edit, like a deletion or an insertion.",
        ),
        Mistake(
            "length of the hypothesis",
            _rates_variant(length=lambda mine, near: len(mine)),
            "PER is divided by the length of the hypothesis. Divide by the nearest reference, or babbling pays.",
        ),
        Mistake(
            "shorter on a tie",
            _rates_variant(longer=False),
            "Where two pronunciations are equally near, the longer one counts: compare pairs (edits, -length).",
            visible=False,
        ),
        Mistake(
            "silence is free",
            _rates_variant(distance=lambda a, b: Levenshtein.distance(a, b) if a else 0),
            "A word for which nothing was written costs as many edits as its pronunciation has phonemes, not none.",
            visible=False,
        ),
        Mistake(
            "mean of the words' rates",
            _rates_variant(per_word=True),
            "This PER is the mean of each word's rate. It should be all edits divided by all reference phonemes.",
        ),
        Mistake(
            "edits counted as words",
            _rates_variant(count=True),
            "WER counts edits. A word is wrong once, however many edits it needs.",
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-loss": (
        "return -(picked * real).sum() / real.sum()",
        "return -picked.mean()",
        "padding counted",
    ),
    "wrong-update": (
        "hidden = (1 - update) * new + update * hidden",
        "hidden = update * new + (1 - update) * hidden",
        "update gate inverted",
    ),
    "wrong-beam": (
        "log_probs = torch.where(finished.unsqueeze(-1), waiting, log_probs)",
        "",
        "finished hypotheses go on",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-3", "from seq2bert.seq2seq import beam_step")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name: here the released checkpoint says the words."""
    model, letters, phonemes = pretrained.g2p()
    held_out = experiment_words()[1]
    words = [entry.word for entry in held_out]
    said = chapter.write(model, words, letters, phonemes, g2p.MAX_PHONEMES, beam_size=4)
    rates = pronunciation.error_rates(said, [entry.pronunciations for entry in held_out])
    return {
        "predictions.json": json.dumps({word: " ".join(p) for word, p in zip(words, said, strict=True)}, indent=0),
        "metrics.json": json.dumps({"per": rates.per, "wer": rates.wer}),
    }
