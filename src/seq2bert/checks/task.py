"""A task as data: inputs drawn from a seed, the reference, tolerances, and the wrong answers we know.

One list of mistakes serves three readers: the learner, who is told which mistake gives the same output; the grader's
tests, which prove that each of them loses marks; and anybody who wants to know the traps.

The learner's function may be a stand-in for one in another process, and what it returns is then whatever that process
cared to send. So a check calls it once a draw, takes answers by their exact type, and says in a sentence what is wrong
with everything else.
"""

import copy
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Draw = Callable[[torch.Generator], dict[str, Any]]
ATTEMPTS = 100  # sets of draws that are tried; usually the first will do
CLEARLY = 10  # tolerances by which a known mistake differs from the right answer, and from the other mistakes
LONGEST_QUOTE = 300  # characters of a learner's error that a message repeats


class CheckFailed(AssertionError):
    """The answer is not right; the message says what differs and, where we know it, why.

    Args:
        message: what the learner is told.
        mistake: the name of the known mistake that gives the same answers, if there is one.
    """

    def __init__(self, message: str, mistake: str = ""):
        super().__init__(message)
        self.mistake = mistake


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation, and what a tutor would say who recognised it.

    Args:
        name: a few words.
        function: what it answers.
        advice: what the learner is told.
        visible: does the visible check show it, too, or only the hidden one?
    """

    name: str
    function: Callable
    advice: str
    visible: bool = True


@dataclass(frozen=True)
class Trial:
    """One draw: the arguments, the right outputs, and the outputs of each known mistake, in the order of the task."""

    arguments: dict[str, Any]
    expected: tuple
    mistaken: tuple[tuple, ...]


@dataclass(frozen=True)
class Task:
    """One function that a learner writes.

    Args:
        name: what the function is called.
        reference: the right answer, from the chapter's module.
        outputs: names of what it returns, in order.
        visible: draws the arguments of a visible trial.
        hidden: draws the arguments of a hidden trial: other shapes, edge cases.
        mistakes: the wrong answers we know.
        tolerance: largest absolute difference that still counts as equal.
        draws: how many trials one check makes.
    """

    name: str
    reference: Callable
    outputs: tuple[str, ...]
    visible: Draw
    hidden: Draw
    mistakes: tuple[Mistake, ...]
    tolerance: float = 1e-5
    draws: int = 3

    def __call__(self, function: Callable, *, seed: int | None = None, hidden: bool = False) -> None:
        """Compare a learner's function with the reference; print one line if it agrees.

        Args:
            function: the learner's.
            seed: decides the draws; None takes the variable CLASSROOM_SEED, and 0 where there is none.
            hidden: ask what the hidden check asks.

        Raises:
            CheckFailed: it does not agree; the message names the first output that differs.
        """
        if seed is None:
            seed = int(os.environ.get("CLASSROOM_SEED") or 0)
        self.judge(function, self.trials(seed, hidden), hidden)
        print(f"{self.name}: right on {self.draws} {'hidden ' if hidden else ''}draws")

    def trials(self, seed: int, hidden: bool) -> list[Trial]:
        """What a check asks: draws on which every mistake that it should show gives a wrong answer of its own.

        Whatever the seed, a wrong function cannot be lucky, nor be taken for another one: draws that would allow that
        are made again. A mistake that only the hidden check should show gives no wrong answer in the visible one.

        Raises:
            ValueError: no draws do that, so the task is badly made.
        """
        generator = torch.Generator().manual_seed(seed)
        for _ in range(ATTEMPTS):
            trials = [self._trial((self.hidden if hidden else self.visible)(generator)) for _ in range(self.draws)]
            if self._tell_apart(trials, hidden):
                return trials
        raise ValueError(f"the draws of {self.name} do not tell its known mistakes apart")

    def _trial(self, arguments: dict[str, Any]) -> Trial:
        mistaken = tuple(self._outputs(mistake.function(**arguments)) for mistake in self.mistakes)
        return Trial(arguments, self._outputs(self.reference(**arguments)), mistaken)

    def _tell_apart(self, trials: Sequence[Trial], hidden: bool) -> bool:
        right = [trial.expected for trial in trials]
        told = [right]
        for number, mistake in enumerate(self.mistakes):
            answers = [trial.mistaken[number] for trial in trials]
            if hidden or mistake.visible:
                if any(same(answers, others, CLEARLY * self.tolerance) for others in told):
                    return False
                told.append(answers)
            elif not same(answers, right, self.tolerance):
                return False
        return True

    def judge(self, function: Callable, trials: Sequence[Trial], hidden: bool) -> None:
        """Raise CheckFailed at the first trial that the function answers wrongly."""
        answers: list[tuple] = []
        for trial in trials:
            answers.append(self._call(function, trial.arguments))
            try:
                complaint = self._difference(answers[-1], trial.expected, reveal=not hidden)
                mistake = complaint and self._recognise(function, answers, trials, hidden)
            except Exception as error:  # a tensor can be odd in more ways than we could list
                complaint, mistake = f"cannot be compared: {_quote(error)}", None
            if complaint:
                advice, name = (f"\n{mistake.advice}", mistake.name) if mistake else ("", "")
                raise CheckFailed(f"{self.name}: {complaint}{advice}", name)

    def _outputs(self, answer: Any) -> tuple:
        return tuple(answer) if len(self.outputs) > 1 and isinstance(answer, (tuple, list)) else (answer,)

    def _call(self, function: Callable, arguments: dict[str, Any]) -> tuple:
        """The learner's outputs, from a copy of the arguments that must come back unharmed."""
        stands_in = hasattr(function, "arguments_after")  # its function had copies of its own, and these came back
        given = arguments if stands_in else copy.deepcopy(arguments)
        try:
            answer = function(**given)
            after = function.arguments_after if stands_in else given
        except NotImplementedError as error:
            raise CheckFailed(f"{self.name} is not written yet") from error
        except Exception as error:
            raise CheckFailed(f"{self.name} raised {_quote(error)}\n(with {describe_arguments(arguments)})") from error
        for name, before in arguments.items():
            if not (isinstance(after, dict) and name in after and same(after[name], before, 0.0)):
                raise CheckFailed(
                    f"{self.name} changed its argument {name} in place; make a new tensor or list instead"
                )
        return self._outputs(answer)

    def _difference(self, answer: tuple, expected: tuple, reveal: bool) -> str | None:
        """What is wrong with the first output that differs, or None."""
        if len(answer) != len(expected):
            return f"should return {len(expected)} values ({', '.join(self.outputs)}), returned {len(answer)}"
        for name, mine, right in zip(self.outputs, answer, expected, strict=True):
            complaint = difference(mine, right, self.tolerance, reveal)
            if complaint:
                return f"{name} {complaint}"
        return None

    def _recognise(
        self, function: Callable, answers: list[tuple], trials: Sequence[Trial], hidden: bool
    ) -> Mistake | None:
        """The known mistake that answers like the learner in every trial; `answers` are those given so far.

        A mistake that only the hidden check shows answers like the reference elsewhere, and cannot be the reason there.
        """
        try:
            answers = answers + [self._call(function, trial.arguments) for trial in trials[len(answers) :]]
        except CheckFailed:
            return None
        for number, mistake in enumerate(self.mistakes):
            if (hidden or mistake.visible) and same(answers, [t.mistaken[number] for t in trials], self.tolerance):
                return mistake
        return None


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Equal in structure, and in value within the tolerance; nan equals nan, and two infinities of one sign."""
    if one is other:
        return True
    if type(one) is str and type(other) is str:
        return one == other
    if is_tensor(one) and is_tensor(other):
        return one.shape == other.shape and _close(one, other, tolerance)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    a, b = number(one), number(other)
    if a is not None and b is not None:
        return a == b or abs(a - b) <= tolerance or (math.isnan(a) and math.isnan(b))
    return type(one) is type(other) and not isinstance(one, Tensor) and bool(one == other)


def is_tensor(value: Any) -> bool:
    """A tensor of torch's own, all of whose numbers are there: a subclass could say of itself what it likes."""
    return type(value) in (Tensor, nn.Parameter) and value.layout is torch.strided


def number(value: Any) -> float | None:
    """A single real number as a plain float, from Python, numpy or torch; None if it is something else.

    >>> number(torch.tensor(3)), number(10**400), number(True), number("3")
    (3.0, inf, None, None)
    """
    if isinstance(value, np.generic) or (is_tensor(value) and value.dim() == 0):
        value = value.item()
    if type(value) not in (int, float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _close(mine: Tensor, right: Tensor, tolerance: float) -> bool:
    """Do two tensors of one shape agree everywhere? Asked so often that it has a shorter way than `_apart`."""
    if not right.numel():
        return True
    largest = (mine.detach().cpu().double() - right.detach().cpu().double()).abs().max().item()
    if math.isnan(largest):  # a nan somewhere, or two infinities: these are to be looked at one by one
        return not _apart(mine, right, tolerance).any()
    return largest <= (tolerance if right.is_floating_point() else 0.0)


def _apart(mine: Tensor, right: Tensor, tolerance: float) -> Tensor:
    """Where two tensors of one shape differ: (...), bool. Numbers that count something must be equal."""
    mine, right = mine.detach().cpu(), right.detach().cpu()
    within = tolerance if right.is_floating_point() else 0.0
    return ~torch.isclose(mine.double(), right.double(), rtol=0.0, atol=within, equal_nan=True)


def difference(mine: Any, right: Any, tolerance: float, reveal: bool) -> str | None:
    """A sentence without its subject on how `mine` differs from `right`; None if it does not.

    Args:
        mine: the learner's value.
        right: the reference's value.
        tolerance: largest absolute difference allowed.
        reveal: say the expected value too.

    >>> difference(torch.ones(2), torch.ones(3), 0.0, True)
    'should have the shape (3,), has (2,)'
    >>> difference([1, 2, 3], [1, 3, 3], 0.0, True)
    'at [1] is 2, should be 3'
    >>> difference(["a", "film"], ["the", "film"], 0.0, True)
    "at [0] is 'a', should be 'the'"
    """
    if isinstance(right, (list, tuple)):
        if not isinstance(mine, (list, tuple)):
            return f"should be a list, is {_kind(mine)}"
        if len(mine) != len(right):
            return f"should have {len(right)} items, has {len(mine)}"
        complaints = (difference(*pair, tolerance, reveal) for pair in zip(mine, right, strict=True))
        return next((f"at [{place}] {complaint}" for place, complaint in enumerate(complaints) if complaint), None)
    if isinstance(right, str):
        wrong = type(mine) is not str or mine != right
        return f"is {_show(mine)}" + (f", should be {_show(right)}" if reveal else "") if wrong else None
    if is_tensor(right) and right.dim() > 0:
        if not is_tensor(mine):
            return f"should be a tensor, is {_kind(mine)}"
        if mine.shape != right.shape:
            return f"should have the shape {tuple(right.shape)}, has {tuple(mine.shape)}"
        odd = mine.is_complex() or (mine.dtype is torch.bool) != (right.dtype is torch.bool)
        if odd or (right.is_floating_point() and not mine.is_floating_point()):
            return f"should hold {right.dtype} numbers, holds {mine.dtype}"
        apart = _apart(mine, right, tolerance)
        if not apart.any():
            return None
        place = tuple(apart.nonzero()[0].tolist())
        where = f"is wrong in {int(apart.sum())} of {apart.numel()} places, first at {list(place)}"
        return f"{where}: {_show(mine[place])}" + (f", should be {_show(right[place])}" if reveal else "")
    if number(mine) is None:
        return f"should be a single number, is {_kind(mine)}"
    if same(mine, right, tolerance):
        return None
    return f"is {_show(mine)}" + (f", should be {_show(right)}" if reveal else ", which is not right")


def _kind(value: Any) -> str:
    if value is None:
        return "None (is there a return?)"
    if is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}" + (f" of {value.dtype}" if value.dim() == 0 else "")
    if type(value).__module__ in ("builtins", "numpy", "torch"):
        return f"a {type(value).__name__}"
    return _cut(repr(value))  # a stand-in says there what it stands for


def _show(value: Any) -> str:
    """A single value, such as 0.25, True or 'film'."""
    if is_tensor(value) and value.dim() == 0:
        value = value.item()
    return _cut(repr(value)) if number(value) is None else f"{number(value):.6g}"


def _quote(error: Exception) -> str:
    """An error's type and text."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # the learner's own error class may be wrong, too
        text = type(error).__name__
    return _cut(text)


def _cut(text: str) -> str:
    """A text without what no file could hold, cut where it grows too long."""
    if len(text) > LONGEST_QUOTE:
        text = text[:LONGEST_QUOTE] + " ..."
    return text.encode("utf-8", "replace").decode()


def describe_arguments(arguments: dict[str, Any]) -> str:
    """The arguments of a call in a few words: shapes of tensors, lengths of lists, other values as they are.

    >>> describe_arguments({"x": torch.ones(2, 3), "k": 4})
    'x (2, 3), k = 4'
    """
    words = []
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            words.append(f"{name} {tuple(value.shape)}")
        elif isinstance(value, (list, tuple, dict)):
            words.append(f"{name}, {len(value)} items")
        else:
            words.append(f"{name} = {value!r}")
    return ", ".join(words)
