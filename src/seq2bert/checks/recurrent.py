"""Assignment 02: the three cells, a masked loop, clipped gradients, truncated backpropagation through time.

The marks of the experiment are in `recurrent_experiment`; the notebook finds them here, too.
"""

import json
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from seq2bert import recurrent as chapter
from seq2bert.checks.recurrent_experiment import experiment_points, predictions
from seq2bert.checks.task import Mistake, Task
from seq2bert.data import adding

__all__ = [  # what the notebook calls
    "clip_gradients",
    "experiment_points",
    "gru_step",
    "lstm_step",
    "predictions",
    "read",
    "rnn_step",
    "truncated_bptt",
]

CELL_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

# Task 1: the three cells ---------------------------------------------------------------------------------------------


def reference_step(cell: str, weights: dict[str, Tensor], inputs: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
    """The chapter's cell with the given weights, asked for one step; differentiable, so that one can train with it."""
    given = {name: weights[name] for name in CELL_WEIGHTS}
    projected = F.linear(inputs, given["weight_ih"], given["bias_ih"])  # (B, G*H)
    return functional_call(_cell(cell, inputs.size(-1), state[0].size(-1)), given, (projected, state))


@cache  # making a module takes longer than asking it
def _cell(cell: str, width: int, size: int) -> chapter.RecurrentCell:
    return chapter.CELLS[cell](width, size)


def reference_rnn_step(weights, inputs, hidden) -> Tensor:
    """The new state (B, H)."""
    return reference_step("rnn", weights, inputs, hidden)[0]


def reference_gru_step(weights, inputs, hidden) -> Tensor:
    """The new state (B, H)."""
    return reference_step("gru", weights, inputs, hidden)[0]


def reference_lstm_step(weights, inputs, hidden, memory) -> tuple[Tensor, Tensor]:
    """The new state and the new memory, (B, H) each."""
    return reference_step("lstm", weights, inputs, hidden, memory)


def draw_weights(gates: int, width: int, size: int, g: torch.Generator) -> dict[str, Tensor]:
    """Random weights of a cell with `gates` blocks, `width` numbers coming in and a state of `size`."""
    rows = gates * size
    shapes = {"weight_ih": (rows, width), "weight_hh": (rows, size), "bias_ih": (rows,), "bias_hh": (rows,)}
    return {name: torch.randn(*shape, generator=g) for name, shape in shapes.items()}


def draw_step(cell: str, batch: int, width: int, size: int, g: torch.Generator, hard: bool = False) -> dict:
    """Random weights, and inputs and a state for `batch` rows.

    In a hard draw unit 0 is saturated: what enters its gates is about 200, whose exponential is infinite in single
    precision.
    """
    kind = chapter.CELLS[cell]
    weights = draw_weights(kind.num_gates, width, size, g)
    if hard:
        weights["bias_ih"].view(kind.num_gates, size)[:, 0] = 200.0
    names = ("hidden", "memory")[: kind.num_states]
    state = {name: torch.randn(batch, size, generator=g) for name in names}
    return dict(weights=weights, inputs=torch.randn(batch, width, generator=g)) | state


def visible_step(cell: str):
    """Draws the arguments of a visible trial of a cell."""
    return lambda g: draw_step(cell, 3, 4, 5, g)


def hidden_step(cell: str):
    """Draws the arguments of a hidden trial: other widths, any batch from a single row on, a saturated unit."""
    return lambda g: draw_step(cell, int(torch.randint(1, 5, (), generator=g)), 7, 6, g, hard=True)


def _sums(weights, inputs, hidden, biases=("bias_ih", "bias_hh")):
    """What the input and what the state contribute to all gates."""
    bias_ih, bias_hh = (weights[name] if name in biases else None for name in ("bias_ih", "bias_hh"))
    return F.linear(inputs, weights["weight_ih"], bias_ih), F.linear(hidden, weights["weight_hh"], bias_hh)


def _tanh_of_exponentials(x):
    up, down = x.exp(), (-x).exp()
    return (up - down) / (up + down)


OVERFLOW = (
    "Large numbers overflow: exp(100) is infinite in single precision, and infinity divided by infinity is not a "
    "number. Use torch.tanh and torch.sigmoid."
)


def _rnn_variant(activation=torch.tanh, combine=torch.add, **options):
    """An RNN step with one thing changed, to make mistakes from."""
    return lambda weights, inputs, hidden: activation(combine(*_sums(weights, inputs, hidden, **options)))


rnn_step = Task(
    name="rnn_step",
    reference=reference_rnn_step,
    outputs=("hidden",),
    visible=visible_step("rnn"),
    hidden=hidden_step("rnn"),
    draws=2,  # random weights leave nothing to luck
    mistakes=(
        Mistake("biases forgotten", _rnn_variant(biases=()), "Both biases, bias_ih and bias_hh, are missing."),
        Mistake(
            "only one bias",
            _rnn_variant(biases=("bias_ih",)),
            "The bias of the state, bias_hh, is missing: there are two biases, and they add up.",
        ),
        Mistake(
            "no tanh",
            _rnn_variant(activation=lambda x: x),
            "The sum is returned as it is. Without the tanh the state could grow without end.",
        ),
        Mistake(
            "sigmoid for tanh",
            _rnn_variant(activation=torch.sigmoid),
            "The state went through a sigmoid; it needs tanh, so that it can be negative.",
        ),
        Mistake(
            "old state forgotten",
            _rnn_variant(combine=lambda x, h: x),
            "The new state is made from the input alone: add what the old state contributes, U h + d.",
        ),
        Mistake(
            "two tanh",
            _rnn_variant(activation=lambda x: x, combine=lambda x, h: x.tanh() + h.tanh()),
            "Input and state each went through a tanh of their own. Add first: one tanh of the whole sum.",
        ),
        Mistake(
            "U not transposed",
            lambda weights, inputs, hidden: torch.tanh(
                F.linear(inputs, weights["weight_ih"], weights["bias_ih"])
                + F.linear(hidden, weights["weight_hh"].T, weights["bias_hh"])
            ),
            "weight_hh is square, so hidden @ weight_hh runs, but its rows are meant for the new state: "
            "hidden @ weight_hh.T.",
        ),
        Mistake("exponentials overflow", _rnn_variant(activation=_tanh_of_exponentials), OVERFLOW, visible=False),
    ),
)


def _gru_variant(order=(0, 1, 2), inverted=False, reset="product", activation=torch.tanh, **options):
    """A GRU step with one thing changed, to make mistakes from."""

    def step(weights, inputs, hidden):
        x, h = (sums.chunk(3, -1) for sums in _sums(weights, inputs, hidden, **options))
        r, z, n = order
        gate, update = (x[r] + h[r]).sigmoid(), (x[z] + h[z]).sigmoid()
        u_n, d_n = weights["weight_hh"].chunk(3)[n], weights["bias_hh"].chunk(3)[n]
        inner = {
            "product": lambda: x[n] + gate * h[n],  # right
            "before": lambda: x[n] + F.linear(gate * hidden, u_n, d_n),
            "without bias": lambda: x[n] + gate * F.linear(hidden, u_n) + d_n,
            "everything": lambda: gate * (x[n] + h[n]),
            "never": lambda: x[n] + h[n],
        }[reset]
        new = activation(inner())
        return update * new + (1 - update) * hidden if inverted else (1 - update) * new + update * hidden

    return step


gru_step = Task(
    name="gru_step",
    reference=reference_gru_step,
    outputs=("hidden",),
    visible=visible_step("gru"),
    hidden=hidden_step("gru"),
    draws=2,
    mistakes=(
        Mistake(
            "gates swapped",
            _gru_variant(order=(1, 0, 2)),
            "Reset and update gate have changed places: the three blocks are stacked in the order r, z, n.",
        ),
        Mistake(
            "update gate inverted",
            _gru_variant(inverted=True),
            "The update gate is inverted. Where z is 1 the old state stays: h' = (1 - z) n + z h.",
        ),
        Mistake(
            "reset before the product",
            _gru_variant(reset="before"),
            "The reset gate scales h before the product with U_n. Papers differ; here, as in torch, it scales the "
            "product: r * (U_n h + d_n).",
        ),
        Mistake(
            "reset spares the bias",
            _gru_variant(reset="without bias"),
            "The reset gate scales U_n h only. Its bias d_n belongs inside the bracket too: r * (U_n h + d_n).",
        ),
        Mistake(
            "reset scales the input",
            _gru_variant(reset="everything"),
            "The reset gate scales the input's part of the candidate as well. It decides what is kept of the state "
            "alone: W_n x + b_n stays outside.",
        ),
        Mistake(
            "reset gate unused",
            _gru_variant(reset="never"),
            "The reset gate is not used: it scales what the old state contributes to the candidate n.",
        ),
        Mistake(
            "sigmoid for tanh",
            _gru_variant(activation=torch.sigmoid),
            "The candidate n went through a sigmoid; it needs tanh, so that a state can be negative.",
        ),
        Mistake("biases forgotten", _gru_variant(biases=()), "Both biases, bias_ih and bias_hh, are missing."),
        Mistake("exponentials overflow", _gru_variant(activation=_tanh_of_exponentials), OVERFLOW, visible=False),
    ),
)


def _lstm_variant(
    order=(0, 1, 2, 3),
    activation=torch.tanh,
    remember=lambda i, f, g, c: f * c + i * g,
    show=lambda o, new, old: o * new.tanh(),
    give=lambda hidden, new, old: (hidden, new),
    **options,
):
    """An LSTM step with one thing changed, to make mistakes from."""

    def step(weights, inputs, hidden, memory):
        blocks = torch.add(*_sums(weights, inputs, hidden, **options)).chunk(4, -1)
        i, f, g, o = (blocks[place] for place in order)
        new = remember(i.sigmoid(), f.sigmoid(), activation(g), memory)
        return give(show(o.sigmoid(), new, memory), new, memory)

    return step


lstm_step = Task(
    name="lstm_step",
    reference=reference_lstm_step,
    outputs=("hidden", "memory"),
    visible=visible_step("lstm"),
    hidden=hidden_step("lstm"),
    draws=2,
    mistakes=(
        Mistake(
            "input and forget gate swapped",
            _lstm_variant(order=(1, 0, 2, 3)),
            "Input and forget gate have changed places: the four blocks are stacked in the order i, f, g, o.",
        ),
        Mistake(
            "candidate and output gate swapped",
            _lstm_variant(order=(0, 1, 3, 2)),
            "Candidate and output gate have changed places: the four blocks are stacked in the order i, f, g, o.",
        ),
        Mistake(
            "forget gate inverted",
            _lstm_variant(remember=lambda i, f, g, c: (1 - f) * c + i * g),
            "The forget gate is inverted. In spite of its name it says what is kept: c' = f c + i g.",
        ),
        Mistake(
            "memory forgotten",
            _lstm_variant(remember=lambda i, f, g, c: i * g),
            "The old memory is dropped. The new one is added to it: c' = f c + i g.",
        ),
        Mistake(
            "sigmoid for tanh",
            _lstm_variant(activation=torch.sigmoid),
            "The candidate g went through a sigmoid; it needs tanh, so that something can be taken from the memory.",
        ),
        Mistake(
            "output without tanh",
            _lstm_variant(show=lambda o, new, old: o * new),
            "The memory is shown as it is. What leaves the cell is o * tanh(c').",
        ),
        Mistake(
            "old memory shown",
            _lstm_variant(show=lambda o, new, old: o * old.tanh()),
            "The new state is read from the memory before the step. Change the memory first, then h' = o tanh(c').",
        ),
        Mistake(
            "memory squashed",
            _lstm_variant(
                remember=lambda i, f, g, c: (f * c + i * g).tanh(),
                show=lambda o, new, old: o * new,
            ),
            "The tanh is kept in the memory. It belongs to what is shown only; the memory itself is a plain sum, "
            "which is why gradients pass it unharmed.",
        ),
        Mistake(
            "memory not updated",
            _lstm_variant(give=lambda hidden, new, old: (hidden, old)),
            "The state is right, but the memory is returned as it came. The next step needs the new one, c'.",
        ),
        Mistake(
            "returned the wrong way round",
            _lstm_variant(give=lambda hidden, new, old: (new, hidden)),
            "State and memory are returned in the wrong order: first h', then c'.",
        ),
        Mistake("biases forgotten", _lstm_variant(biases=()), "Both biases, bias_ih and bias_hh, are missing."),
        Mistake("exponentials overflow", _lstm_variant(activation=_tanh_of_exponentials), OVERFLOW, visible=False),
    ),
)

# Task 2: a masked loop -----------------------------------------------------------------------------------------------


def reference_read(weights: dict[str, Tensor], inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The chapter's loop over its RNN cell with the given weights: outputs (B, S, H) and the final state (B, H)."""
    outputs, ((hidden,),) = unrolled(weights, inputs, mask)
    return outputs, hidden


def unrolled(weights: dict[str, Tensor], inputs: Tensor, mask: Tensor | None = None, state=None):
    """What the chapter's Recurrent returns when it has one RNN cell with the given weights."""
    stack = _stack(inputs.size(-1), weights["weight_hh"].size(-1))
    return functional_call(stack, {f"layers.0.{name}": weights[name] for name in CELL_WEIGHTS}, (inputs, mask, state))


@cache
def _stack(width: int, size: int) -> chapter.Recurrent:
    return chapter.Recurrent("rnn", width, size)


def draw_read(rows: int, steps: int, width: int, size: int, g: torch.Generator) -> dict:
    """Sequences padded on the right: the first has no padding, all others some; it holds numbers like any others."""
    lengths = torch.randint(1, steps, (rows,), generator=g)
    lengths[0] = steps
    return dict(
        weights=draw_weights(1, width, size, g),
        inputs=torch.randn(rows, steps, width, generator=g),
        mask=torch.arange(steps) < lengths.unsqueeze(1),
    )


def draw_hard_read(g: torch.Generator) -> dict:
    """Padding before, between and after the tokens, most of it not a number; a row of one token, and one of none."""
    rows, steps = (int(torch.randint(*bounds, (), generator=g)) for bounds in ((4, 7), (5, 9)))
    draw = draw_read(rows, steps, 6, 4, g)
    mask = draw["mask"]
    mask[2:] = torch.rand(rows - 2, steps, generator=g) < 0.6
    mask[-2] = torch.arange(steps) == torch.randint(steps, (), generator=g)
    mask[-1] = False
    draw["inputs"][2:][~mask[2:]] = float("nan")
    return draw


def _of_arrays(function):
    """A function of arrays as a function of tensors: numpy is faster where matrices are this small."""

    def of_tensors(weights, **arguments):
        arrays = {name: value.numpy() if isinstance(value, Tensor) else value for name, value in arguments.items()}
        answer = function({name: weight.numpy() for name, weight in weights.items()}, **arrays)
        return tuple(torch.from_numpy(np.asarray(part)) for part in answer)

    return of_tensors


def _rnn(weights, inputs, hidden):
    x, h = inputs @ weights["weight_ih"].T, hidden @ weights["weight_hh"].T
    return np.tanh(x + weights["bias_ih"] + h + weights["bias_hh"])


def _read_variant(
    update=np.where,
    show=lambda real, new, old, kept: kept,
    see=lambda inputs, mask: (inputs, mask),
    backwards=False,
    axis=1,
):
    """A masked loop with one thing changed, to make mistakes from."""

    @_of_arrays
    def read(weights, inputs, mask):
        inputs, mask = see(inputs, mask)
        hidden = np.zeros((len(inputs), len(weights["weight_hh"])))
        outputs = []
        for t in range(inputs.shape[1])[:: -1 if backwards else 1]:
            real = mask[:, t, None]  # (B, 1)
            new = _rnn(weights, inputs[:, t], hidden)
            kept = update(real, new, hidden)
            outputs.append(show(real, new, hidden, kept))
            hidden = kept
        return np.stack(outputs[:: -1 if backwards else 1], axis), hidden

    return read


def _first_tokens(inputs, mask):
    return inputs, np.arange(mask.shape[1]) < mask.sum(1, keepdims=True)


read = Task(
    name="read",
    reference=reference_read,
    outputs=("outputs", "hidden"),
    visible=lambda g: draw_read(3, 5, 4, 2, g),
    hidden=draw_hard_read,
    draws=2,
    mistakes=(
        Mistake(
            "padding read",
            _read_variant(update=lambda real, new, old: new),
            "Padding is read as if it were text. Where the mask is False the state must stay as it is.",
        ),
        Mistake(
            "state zeroed on padding",
            _read_variant(update=lambda real, new, old: np.where(real, new, 0.0)),
            "The state becomes zero on padding, and everything read so far is lost. Carry the old state over.",
        ),
        Mistake(
            "padding read as zeros",
            _read_variant(
                update=lambda real, new, old: new,
                see=lambda inputs, mask: (np.where(mask[..., None], inputs, 0.0), mask),
            ),
            "Padding is replaced by zeros and then read. A step with an input of zeros changes the state, too: "
            "it is the state that the mask must hold still.",
        ),
        Mistake(
            "mask inverted",
            _read_variant(update=lambda real, new, old: np.where(real, old, new)),
            "The mask is taken the wrong way round: True marks a real token.",
        ),
        Mistake(
            "outputs not carried",
            _read_variant(show=lambda real, new, old, kept: new),
            "The state is right, but the outputs on padding are those of steps that should not have happened. "
            "Write down the state after it was carried over.",
        ),
        Mistake(
            "outputs zero on padding",
            _read_variant(show=lambda real, new, old, kept: np.where(real, kept, 0.0)),
            "The outputs on padding are zero. Here the state that is carried over is the output, too.",
        ),
        Mistake(
            "state before the step",
            _read_variant(show=lambda real, new, old, kept: old),
            "Each output is the state before its step. Read the token first, then write the state down.",
        ),
        Mistake(
            "time first",
            _read_variant(axis=0),
            "Time is the first axis of these outputs. Stack along the second one, to (B, S, H).",
        ),
        Mistake(
            "read from the end",
            _read_variant(backwards=True),
            "The sequences are read from the end to the beginning.",
        ),
        Mistake(
            "blended by multiplication",
            _read_variant(update=lambda real, new, old: real * new + ~real * old),
            "Padding may hold anything, even nan, and 0 times nan is nan. Choose with torch.where instead of "
            "multiplying with the mask.",
            visible=False,
        ),
        Mistake(
            "only the first tokens",
            _read_variant(see=_first_tokens),
            "You count the tokens of a row and read that many from its beginning. Padding may stand before or between "
            "them: ask the mask at every step.",
            visible=False,
        ),
    ),
)

# Task 3: clipped gradients -------------------------------------------------------------------------------------------


def draw_gradients(shapes: list[tuple[int, ...]], norm: float, g: torch.Generator) -> list[Tensor]:
    """Random gradients of these shapes, whose common norm is `norm`."""
    gradients = [torch.randn(shape, generator=g) for shape in shapes]
    return [gradient * (norm / _norm(gradients)) for gradient in gradients]


def draw_clip(shapes: list[tuple[int, ...]], bounds: list[float], factors: list[float], g: torch.Generator) -> dict:
    """Gradients and a bound; their norm is one of `factors` times that bound."""
    bound, factor = (of[int(torch.randint(len(of), (), generator=g))] for of in (bounds, factors))
    return dict(gradients=draw_gradients(shapes, factor * bound, g), max_norm=bound)


SHAPES = [(3, 4), (4,), (2, 2, 3), (), (1, 5), (7,)]


def draw_hard_clip(g: torch.Generator) -> dict:
    """One to three gradients of any shape, and other bounds; they may all be zero."""
    number = int(torch.randint(1, 4, (), generator=g))
    shapes = [SHAPES[place] for place in torch.randperm(len(SHAPES), generator=g)[:number]]
    return draw_clip(shapes, [0.25, 3.0, 5.0], [0.0, 0.7, 4.0], g)


def _norm(gradients):
    return torch.stack([gradient.norm() for gradient in gradients]).norm()


def _clip_variant(norm=_norm, factor=lambda norm, bound: (bound / norm).clamp(max=1.0), say=lambda norm, factor: norm):
    """Clipping with one thing changed, to make mistakes from."""

    def clip(gradients, max_norm):
        length = norm(gradients)
        scale = factor(length, max_norm)
        return [gradient * scale for gradient in gradients], say(length, scale)

    return clip


def _each_on_its_own(gradients, max_norm):
    return [g * (max_norm / g.norm()).clamp(max=1.0) for g in gradients], _norm(gradients)


def _by_value(gradients, max_norm):
    return [g.clamp(-max_norm, max_norm) for g in gradients], _norm(gradients)


clip_gradients = Task(
    name="clip_gradients",
    reference=chapter.clip_gradients,
    outputs=("clipped", "norm"),
    visible=lambda g: draw_clip([(3, 4), (4,)], [0.5, 2.0], [0.6, 3.0], g),
    hidden=draw_hard_clip,
    tolerance=1e-4,
    draws=4,  # some to be clipped, some not
    mistakes=(
        Mistake(
            "each on its own",
            _each_on_its_own,
            "Each gradient is clipped by its own norm, which changes the direction of the step. One norm of all of "
            "them together, one factor for all.",
        ),
        Mistake(
            "clipped by value",
            _by_value,
            "Every number is cut off at max_norm by itself. Scale all of them by one factor, so that the direction "
            "stays.",
        ),
        Mistake(
            "short gradients stretched",
            _clip_variant(factor=lambda norm, bound: bound / norm),
            "Gradients that are shorter than max_norm are scaled up to it. They should stay as they are.",
        ),
        Mistake(
            "only short gradients scaled",
            _clip_variant(factor=lambda norm, bound: (bound / norm).clamp(min=1.0)),
            "It is the wrong way round: short gradients are scaled up, and long ones stay long. The factor is at "
            "most 1.",
        ),
        Mistake(
            "root forgotten",
            _clip_variant(norm=lambda gradients: _norm(gradients) ** 2),
            "This norm is the sum of squares. Take its root.",
        ),
        Mistake(
            "norms added up",
            _clip_variant(norm=lambda gradients: sum(g.norm() for g in gradients)),
            "The norms of the tensors are added up. Squares add up, lengths do not: take the root of the sum of all "
            "squares.",
        ),
        Mistake(
            "largest entry",
            _clip_variant(norm=lambda gradients: torch.stack([g.abs().max() for g in gradients]).max()),
            "This norm is the largest entry. Here it is the Euclidean length: the root of the sum of all squares.",
        ),
        Mistake(
            "scaled to norm 1",
            _clip_variant(factor=lambda norm, bound: torch.where(norm > bound, 1 / norm, 1.0)),
            "What is too long is scaled to norm 1. It should become max_norm long.",
        ),
        Mistake(
            "norm after clipping",
            _clip_variant(say=lambda norm, factor: norm * factor),
            "The gradients are right, but this is their norm after clipping. Return the one before: it tells whether "
            "training is about to explode.",
        ),
        Mistake(
            "zero over zero",
            _clip_variant(factor=lambda norm, bound: norm.clamp(max=bound) / norm),
            "Where all gradients are zero you divide zero by zero. They are short enough as they are.",
            visible=False,
        ),
    ),
)

# Task 4: truncated backpropagation through time ----------------------------------------------------------------------


def reference_truncated_bptt(
    weights: dict[str, Tensor], inputs: Tensor, targets: Tensor, span: int
) -> tuple[Tensor, Tensor]:
    """The chapter's loop, asked for one chunk after the other: total squared error, and its gradient by weight_hh."""
    leaf = weights["weight_hh"].detach().clone().requires_grad_()
    hidden = inputs.new_zeros(len(inputs), len(leaf))
    total = inputs.new_zeros(())
    for chunk, wanted in zip(inputs.split(span, 1), targets.split(span, 1), strict=True):
        outputs, ((hidden,),) = unrolled(weights | {"weight_hh": leaf}, chunk, state=((hidden.detach(),),))
        answers = F.linear(outputs, weights["output_weight"], weights["output_bias"])  # (B, span, K)
        loss = (answers - wanted).square().sum()
        loss.backward()
        total += loss.detach()
    return total, leaf.grad


def draw_bptt(batch: int, steps: int, span: int, g: torch.Generator) -> dict:
    """Sequences with targets, and weights through which a gradient gets far: some units are never saturated."""
    width, size, wanted = 3, 4, 2
    weights = draw_weights(1, width, size, g) | {
        "output_weight": torch.randn(wanted, size, generator=g),
        "output_bias": torch.randn(wanted, generator=g),
    }
    return dict(
        weights={name: 0.5 * weight for name, weight in weights.items()},
        inputs=torch.randn(batch, steps, width, generator=g),
        targets=torch.randn(batch, steps, wanted, generator=g),
        span=span,
    )


def draw_hard_bptt(g: torch.Generator) -> dict:
    """Any batch from a single row on; spans from one step to more than there are."""
    batch, steps = (int(torch.randint(*bounds, (), generator=g)) for bounds in ((1, 5), (4, 8)))
    return draw_bptt(batch, steps, int(torch.randint(1, steps + 2, (), generator=g)), g)


def _forward(weights, inputs, targets, restarts=lambda t: False):
    """States before and after each step, and the errors of the answers: what backpropagation starts from."""
    hidden = np.zeros((len(inputs), len(weights["weight_hh"])))
    before, after, errors = [], [], []
    for t in range(inputs.shape[1]):
        before.append(np.zeros_like(hidden) if restarts(t) else hidden)
        hidden = _rnn(weights, inputs[:, t], before[-1])
        after.append(hidden)
        errors.append(hidden @ weights["output_weight"].T + weights["output_bias"] - targets[:, t])
    return before, after, errors


def _bptt_variant(
    cut=lambda t, span: t % span == 0,
    kept=lambda steps, span: range(steps),
    summed=lambda steps, span: range(steps),
    length=lambda steps, span: steps,
    scale=lambda targets, span: (1.0, 1.0),
    restart=False,
):
    """Truncated backpropagation worked out by hand, with one thing changed, to make mistakes from.

    Args:
        cut: does the gradient stop before step t?
        kept: the steps whose part of the gradient is kept.
        summed: the steps whose loss is.
        length: how many steps are read at all.
        scale: factors of the loss and of the gradient.
        restart: does each chunk begin with a state of zeros?
    """

    @_of_arrays
    def bptt(weights, inputs, targets, span):
        steps = length(inputs.shape[1], span)
        before, after, errors = _forward(weights, inputs[:, :steps], targets, lambda t: restart and t % span == 0)
        gradient, later = np.zeros(weights["weight_hh"].shape), 0.0  # later: what comes from the steps that follow
        for t in reversed(range(steps)):
            inner = (2 * errors[t] @ weights["output_weight"] + later) * (1 - after[t] ** 2)  # (B, H)
            if t in kept(steps, span):
                gradient += inner.T @ before[t]
            later = 0.0 if cut(t, span) else inner @ weights["weight_hh"]
        of_loss, of_gradient = scale(targets, span)
        return of_loss * sum(np.square(errors[t]).sum() for t in summed(steps, span)), of_gradient * gradient

    return bptt


@_of_arrays
def _sliding(weights, inputs, targets, span):
    before, after, errors = _forward(weights, inputs, targets)
    gradient = np.zeros(weights["weight_hh"].shape)
    for last in range(inputs.shape[1]):
        later = 2 * errors[last] @ weights["output_weight"]
        for t in range(last, max(-1, last - span), -1):
            inner = later * (1 - after[t] ** 2)
            gradient += inner.T @ before[t]
            later = inner @ weights["weight_hh"]
    return sum(np.square(error).sum() for error in errors), gradient


def _last_chunk(steps, span):
    return range((steps - 1) // span * span, steps)


def _both(factor):
    return lambda targets, span: (factor(targets), factor(targets))


truncated_bptt = Task(
    name="truncated_bptt",
    reference=reference_truncated_bptt,
    outputs=("loss", "gradient"),
    visible=lambda g: draw_bptt(2, 5, 2, g),
    hidden=draw_hard_bptt,
    tolerance=1e-3,  # sums of dozens of terms
    draws=2,
    mistakes=(
        Mistake(
            "nothing truncated",
            _bptt_variant(cut=lambda t, span: False),
            "The gradient goes back through the whole sequence. Detach the state where a chunk ends.",
        ),
        Mistake(
            "every step cut",
            _bptt_variant(cut=lambda t, span: True),
            "The state is detached at every step, so that no gradient goes back in time at all. Detach it between "
            "chunks only.",
        ),
        Mistake(
            "state reset",
            _bptt_variant(restart=True),
            "Each chunk begins with a state of zeros. The state is carried over from the chunk before; only its "
            "gradient is not.",
        ),
        Mistake(
            "cut one step late",
            _bptt_variant(cut=lambda t, span: (t - 1) % span == 0),
            "The state is detached one step late: the first step of a chunk belongs to the chunk before. A chunk is "
            "the steps 0 to span - 1, the next one begins at span.",
        ),
        Mistake(
            "sliding window",
            _sliding,
            "Every step looks back `span` steps of its own. Here the sequence is cut into chunks once: the first step "
            "of a chunk has nothing behind it.",
        ),
        Mistake(
            "gradient of the last chunk",
            _bptt_variant(kept=_last_chunk),
            "This is the gradient of the last chunk alone. Add the gradients of all chunks up.",
        ),
        Mistake(
            "loss of the last chunk",
            _bptt_variant(summed=_last_chunk),
            "The gradient is right, but the loss is that of the last chunk alone. Add up all of them.",
        ),
        Mistake(
            "mean over the chunks",
            _bptt_variant(scale=lambda targets, span: (1.0, 1 / -(-targets.shape[1] // span))),
            "The gradient is divided by the number of chunks. It is their sum.",
        ),
        Mistake(
            "short chunk dropped",
            _bptt_variant(length=lambda steps, span: steps // span * span),
            "The last steps are missing: where `span` does not divide the sequence, the last chunk is a short one.",
        ),
        Mistake(
            "mean error",
            _bptt_variant(scale=_both(lambda targets: 1 / targets.size)),
            "Loss and gradient are those of the mean squared error. Here squared errors are summed: over rows, steps "
            "and numbers.",
        ),
        Mistake(
            "half the error",
            _bptt_variant(scale=_both(lambda targets: 0.5)),
            "Loss and gradient are halved. Here the loss is the plain sum of squared errors, without a 1/2.",
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-update": (
        "(1 - update) * new + update * hidden",
        "update * new + (1 - update) * hidden",
        "update gate inverted",
    ),
    "wrong-loop": (
        "hidden = torch.where(real, new, hidden)",
        "hidden = torch.where(real, new, 0.0)",
        "state zeroed on padding",
    ),
    "wrong-norm": (
        "norm = torch.sqrt(sum(gradient.square().sum() for gradient in gradients))",
        "norm = sum(gradient.square().sum() for gradient in gradients)",
        "root forgotten",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-3", "from seq2bert.recurrent import clip_gradients")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name: here the answers are right to two decimals."""
    _, sums = adding.held_out()
    answers = [round(answer, 2) for answer in sums.tolist()]
    mse = (torch.tensor(answers) - sums).square().mean().item()
    return {"predictions.json": json.dumps(answers), "metrics.json": json.dumps({"mse": mse})}
