"""What a check makes of a learner's function that may run elsewhere, be dead, or answer anything at all."""

import collections
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2bert.checks import seq2seq as check
from seq2bert.checks.task import CheckFailed, Mistake, Task, number, same

TASKS = [value for value in vars(check).values() if isinstance(value, Task)]


class Elsewhere:
    """A learner's function as the grader sees it: it works on copies, and says afterwards what became of them."""

    def __init__(self, function, claim=None):
        self.function, self.claim, self.calls, self.arguments_after = function, claim, 0, {}

    def __call__(self, **arguments):
        self.calls += 1
        copies = {name: part.clone() if isinstance(part, torch.Tensor) else part for name, part in arguments.items()}
        answer = self.function(**copies)
        self.arguments_after = copies if self.claim is None else self.claim
        return answer


def dies_at(call, function):
    """A function that answers until its process is gone."""

    def answer(**arguments):
        answer.calls += 1
        if answer.calls >= call:
            raise ConnectionError("the process is gone")
        return function(**arguments)

    answer.calls = 0
    return answer


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


class Yes(float):
    """Equal to everything, and at no distance."""

    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    __hash__, __float__, __rsub__ = float.__hash__, lambda self: 0.0, __sub__


class YesTensor(torch.Tensor):
    """A tensor that answers every question about itself with yes."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), keywords=None):
        return torch.tensor(True)


HOSTILE = {
    "none": None,
    "true": True,
    "nan": math.nan,
    "inf": math.inf,
    "minus inf": -math.inf,
    "huge": 10**5000,
    "complex": 1 + 2j,
    "text": "0.5",
    "bytes": b"\x00",
    "empty": [],
    "dict": {"loss": 1.0},
    "set": {1.0},
    "deep": nested(1000),
    "long": [0.0] * 1_000_000,
    "lone surrogate": "\ud800",
    "number of its own": Yes(1.0),
    "array": np.zeros(3),
    "objects": np.array([None, "x"], dtype=object),
    "complex scalar": np.complex64(1j),
    "true scalar": np.bool_(True),
    "tensor of its own": torch.zeros(3, 3).as_subclass(YesTensor),
    "as wide as the sky": torch.zeros(1).expand(10**6, 10**6),
    "no data": torch.empty(3, 3, device="meta"),
    "no dimension": torch.tensor(True),
    "nested tensor": torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged),
}
TWISTED = {  # of the right shape, made from the right answer
    "nan": lambda right: torch.full_like(right, math.nan, dtype=torch.float32),
    "inf": lambda right: torch.full_like(right, math.inf, dtype=torch.float64),
    "complex": lambda right: right.to(torch.complex64),
    "bool": lambda right: right.bool(),
    "sparse": lambda right: right.to_sparse(),
    "quantized": lambda right: torch.quantize_per_tensor(right.float(), 1e-6, 0, torch.qint32),
    "no data": lambda right: right.to("meta"),
    "array": lambda right: right.numpy(),
    "one row less": lambda right: right[1:],
    "its own": lambda right: right.as_subclass(YesTensor),
    "almost whole": lambda right: right + 1e-3,
}


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("ignore")
def test_whatever_comes_back_ends_in_a_sentence(task, name, hidden):
    value, parts = HOSTILE[name], len(task.outputs)
    answers = [lambda **given: value, lambda **given: (value,) * parts, lambda **given: [value] * (parts + 1)]
    for place in range(parts):

        def one_part(place=place, **given):
            answer = list(task._outputs(task.reference(**given)))
            answer[place] = value
            return answer if parts > 1 else answer[0]

        answers.append(one_part)
    for answer in answers:
        with pytest.raises(CheckFailed) as caught:
            task(answer, hidden=hidden)
        assert len(str(caught.value)) < 1000
        str(caught.value).encode("utf-8")


@pytest.mark.parametrize("task", [check.shift, check.decoder_step, check.beam_step], ids=lambda task: task.name)
@pytest.mark.parametrize("name", TWISTED)
@pytest.mark.filterwarnings("ignore")
def test_tensors_of_the_right_shape_are_not_enough(task, name):
    for place in range(len(task.outputs)):

        def twisted(place=place, **given):
            answer = list(task.reference(**given))
            answer[place] = TWISTED[name](answer[place])
            return answer

        with pytest.raises(CheckFailed):
            task(twisted)


class Far:
    """What a stand-in for a value of the learner's may look like."""

    def __repr__(self):
        return "<generator of the learner>" + "x" * 10**6


def test_a_value_that_stays_elsewhere_is_called_what_it_is():
    with pytest.raises(CheckFailed, match=r"should be a single number, is <generator of the learner>x+ \.\.\.$"):
        check.sequence_loss(lambda **given: Far())


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("x" * 10**7), r"raised RuntimeError: x{200,300} \.\.\.\n\(with "),
        (ValueError("\ud800"), r"raised ValueError: \?"),
        (Silent(), "raised Silent"),
        (RecursionError("too deep"), "raised RecursionError: too deep"),
        (MemoryError(), "raised MemoryError"),
        (StopIteration(), "raised StopIteration"),
        (AssertionError("right on 4 draws"), "shift raised AssertionError: right on 4 draws"),
        (NotImplementedError("I am perfect"), "shift is not written yet$"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_of_the_learners_is_quoted_in_short(error, sentence):
    def fails(**given):
        raise error

    with pytest.raises(CheckFailed, match=sentence):
        check.shift(fails)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_goes_through(kind):
    def stops(**given):
        raise kind

    with pytest.raises(kind):
        check.shift(stops)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_function_elsewhere_is_called_once_a_draw(task):
    for mistake in task.mistakes:
        elsewhere = Elsewhere(mistake.function)
        with pytest.raises(CheckFailed) as caught:
            task(elsewhere, hidden=True)
        assert caught.value.mistake == mistake.name
        assert elsewhere.calls == task.draws
    elsewhere = Elsewhere(task.reference)
    task(elsewhere, hidden=True)
    assert elsewhere.calls == task.draws


@pytest.mark.parametrize("call", range(1, check.shift.draws + 1))
def test_a_process_that_dies_ends_the_check_and_is_not_asked_again(call):
    wrong = check.shift.mistakes[0].function
    gone = dies_at(call, check.shift.reference)
    with pytest.raises(CheckFailed, match="shift raised ConnectionError: the process is gone"):
        check.shift(gone)
    assert gone.calls == call
    gone = dies_at(call, wrong)
    with pytest.raises(CheckFailed) as caught:
        check.shift(gone)
    assert caught.value.mistake == ""
    assert gone.calls == call


def test_changes_in_place_are_seen_here_and_elsewhere():
    def harm(targets):
        targets.zero_()
        return targets[:, :-1], targets[:, 1:]

    for function in (harm, Elsewhere(harm)):
        with pytest.raises(CheckFailed, match="shift changed its argument targets in place"):
            check.shift(function)


@pytest.mark.parametrize(
    "claim",
    [{}, [], 5, "targets", nested(1000), {"targets": None}, {"targets": math.nan}, {"targets": torch.zeros(1)}],
)
def test_a_false_claim_about_the_arguments_is_a_change(claim):
    with pytest.raises(CheckFailed, match="changed its argument targets"):
        check.shift(Elsewhere(check.shift.reference, claim))


def test_the_seed_comes_from_the_grader_where_there_is_one(monkeypatch):
    seen = []

    def spy(targets):
        seen.append(targets)
        return check.shift.reference(targets)

    def asked(**settings):
        seen.clear()
        check.shift(spy, **settings)
        return list(seen)

    monkeypatch.delenv("CLASSROOM_SEED", raising=False)
    assert same(asked(), asked(seed=0), 0.0)
    monkeypatch.setenv("CLASSROOM_SEED", str(2**63 - 1))
    for hidden in (False, True):
        assert same(asked(hidden=hidden), asked(hidden=hidden, seed=2**63 - 1), 0.0)
        assert not same(asked(hidden=hidden), asked(hidden=hidden, seed=0), 0.0)


def test_a_task_whose_draws_hide_a_mistake_says_so():
    hidden = Mistake("never shows", lambda x: x, "You can't see this.")
    task = Task("identity", lambda x: x, ("x",), lambda g: {"x": 1.0}, lambda g: {"x": 1.0}, (hidden,))
    with pytest.raises(ValueError, match="draws of identity do not tell its known mistakes apart"):
        task(lambda x: x)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (0.5, 0.5), (np.float32(0.5), 0.5), (np.int64(2), 2.0), (torch.tensor(2), 2.0), (-(10**400), -math.inf)],
)
def test_numbers_are_read_whatever_library_they_come_from(value, expected):
    assert number(value) == expected
    assert type(number(value)) is float


@pytest.mark.parametrize("value", [True, np.bool_(True), torch.tensor(True), 1j, "1", None, [1.0], torch.ones(1)])
def test_what_is_no_number_is_not_read_as_one(value):
    assert number(value) is None


Pair = collections.namedtuple("Pair", "inputs labels")


@pytest.mark.parametrize("wrap", [list, tuple, Pair._make], ids=["list", "tuple", "named"])
def test_outputs_may_come_in_any_row(wrap):
    check.shift(lambda targets: wrap(check.shift.reference(targets)))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_tensors_are_the_same_where_they_agree_in_every_place(data):
    numbers = st.sampled_from([0.0, 1.0, 1.0 + 5e-6, 1.0 + 5e-5, -1.0, math.inf, -math.inf, math.nan])
    one = data.draw(st.lists(numbers, max_size=4))
    other = [data.draw(st.sampled_from([value, data.draw(numbers)])) for value in one]

    def agree(a, b):
        return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-5

    expected = all(map(agree, one, other))
    as_double = (torch.tensor(values, dtype=torch.double) for values in (one, other))
    assert same(*as_double, 1e-5) is expected


def test_what_is_counted_must_be_equal_whatever_the_tolerance():
    assert same(torch.tensor([True, False]), torch.tensor([True, False]), 0.0)
    assert not same(torch.tensor([True, False]), torch.tensor([True, True]), 2.0)
    assert not same(torch.tensor([3, 4]), torch.tensor([3, 5]), 2.0)
    assert not same(torch.ones(2), torch.ones(3), 1.0)
