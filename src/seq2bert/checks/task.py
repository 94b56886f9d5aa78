"""A task as data: inputs drawn from a seed, the reference, tolerances, and the wrong answers we know.

One list of mistakes serves three readers: the learner, who is told which mistake gives the same output; the grader's
tests, which prove that each of them loses marks; and anybody who wants to know the traps.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

Draw = Callable[[torch.Generator], dict[str, Any]]


class CheckFailed(AssertionError):
    """The answer is not right; the message says what differs and, where we know it, why."""


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation, and what a tutor would say who recognised it."""

    name: str
    function: Callable
    advice: str


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
        trials: how many draws one check makes.
    """

    name: str
    reference: Callable
    outputs: tuple[str, ...]
    visible: Draw
    hidden: Draw
    mistakes: tuple[Mistake, ...]
    tolerance: float = 1e-5
    trials: int = 4

    def __call__(self, function: Callable, *, seed: int = 0, hidden: bool = False) -> None:
        """Compare a learner's function with the reference; print one line if it agrees.

        Raises:
            CheckFailed: it does not; the message names the first output that differs.
        """
        generator = torch.Generator().manual_seed(seed)
        draws = [(self.hidden if hidden else self.visible)(generator) for _ in range(self.trials)]
        for arguments in draws:
            expected = self._outputs(self.reference(**copy.deepcopy(arguments)))
            answer = self._call(function, arguments)
            complaint = self._difference(answer, expected, reveal=not hidden)
            if complaint:
                raise CheckFailed(f"{self.name}: {complaint}{self._recognise(function, draws)}")
        print(f"{self.name}: right on {len(draws)} {'hidden ' if hidden else ''}draws")

    def _outputs(self, answer: Any) -> tuple:
        return tuple(answer) if len(self.outputs) > 1 and isinstance(answer, (tuple, list)) else (answer,)

    def _call(self, function: Callable, arguments: dict[str, Any]) -> tuple:
        """The learner's outputs, from a copy of the arguments that must come back unharmed."""
        given = copy.deepcopy(arguments)
        try:
            answer = function(**given)
        except NotImplementedError as error:
            raise CheckFailed(f"{self.name} is not written yet") from error
        except Exception as error:
            raise CheckFailed(
                f"{self.name} raised {type(error).__name__}: {error}\n(with {describe_arguments(arguments)})"
            ) from error
        for name, before in arguments.items():
            if not same(given[name], before, 0.0):
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

    def _recognise(self, function: Callable, draws: Sequence[dict[str, Any]]) -> str:
        """The advice of the first known mistake that answers like the learner on every draw, as a new line.

        A mistake that only shows on other draws answers like the reference here, and cannot be the reason.
        """
        for mistake in self.mistakes:
            if all(_same_answer(self.reference, mistake.function, arguments, self.tolerance) for arguments in draws):
                continue
            if all(_same_answer(function, mistake.function, arguments, self.tolerance) for arguments in draws):
                return f"\n{mistake.advice}"
        return ""


def _same_answer(one: Callable, other: Callable, arguments: dict[str, Any], tolerance: float) -> bool:
    """Do two functions return the same, or raise the same kind of error?"""
    answers = []
    for function in (one, other):
        try:
            answers.append(function(**copy.deepcopy(arguments)))
        except Exception as error:
            answers.append(type(error))
    return same(answers[0], answers[1], tolerance)


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Equal in structure, and in value within the tolerance; nan equals nan, and two infinities of one sign."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.allclose(
            one.double(), other.double(), rtol=0, atol=tolerance, equal_nan=True
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if _is_number(one) and _is_number(other):
        a, b = float(one), float(other)  # plain floats: a learner's own number class has no say in what is equal
        return a == b or math.isclose(a, b, rel_tol=0, abs_tol=tolerance)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) or (isinstance(value, Tensor) and value.dim() == 0)


def difference(mine: Any, right: Any, tolerance: float, reveal: bool) -> str | None:
    """A sentence without its subject on how `mine` differs from `right`; None if it does not.

    Args:
        mine: the learner's value.
        right: the reference's value.
        tolerance: largest absolute difference allowed.
        reveal: say the expected value too.

    >>> difference(torch.ones(2), torch.ones(3), 0.0, True)
    'should have the shape (3,), has (2,)'
    """
    if isinstance(right, Tensor) and right.dim() > 0:
        if not isinstance(mine, Tensor):
            return f"should be a tensor, is {_kind(mine)}"
        if mine.shape != right.shape:
            return f"should have the shape {tuple(right.shape)}, has {tuple(mine.shape)}"
        if right.is_floating_point() and not mine.is_floating_point():
            return f"should hold {right.dtype} numbers, holds {mine.dtype}"
        apart = (mine.double() - right.double()).abs() > tolerance  # (...), False where both are the same infinity
        apart |= mine.isnan() | (mine.isinf() != right.isinf())
        if not apart.any():
            return None
        place = tuple(apart.nonzero()[0].tolist())
        where = f"is wrong in {int(apart.sum())} of {apart.numel()} places, first at {list(place)}"
        return f"{where}: {_show(mine[place])}" + (f", should be {_show(right[place])}" if reveal else "")
    if not _is_number(mine):
        return f"should be a single number, is {_kind(mine)}"
    if same(mine, right, tolerance):
        return None
    return f"is {_show(mine)}" + (f", should be {_show(right)}" if reveal else ", which is not right")


def _kind(value: Any) -> str:
    if value is None:
        return "None (is there a return?)"
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _show(value: Any) -> str:
    number = value.item() if isinstance(value, Tensor) else value
    return f"{number:.6g}" if isinstance(number, float) else str(number)


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
