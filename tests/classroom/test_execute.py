"""Tests beside the grader: stand-ins for the learner's names, marks, and what cannot be done to them."""

import math
import time

import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from test_sandbox import library  # noqa: F401  (a fixture)

from classroom.execute import Examination, Remote, judge, seeds
from classroom.rebuild import build, make_exam
from classroom.sandbox import Jail, Limits, choose_mode

LIMITS = Limits(cell_seconds=2, notebook_seconds=20, memory_mb=1024, disk_mb=32, processes=16)


def graded(name, source, **grading):
    cell = new_code_cell(source)
    cell.metadata["nbgrader"] = {"grade_id": name, "schema_version": 3, **grading}
    return cell


@pytest.fixture(scope="module")
def jail(library):  # noqa: F811
    with Jail(library, LIMITS, choose_mode(), preload=["torch", "numpy"]) as jail:
        yield jail


@pytest.fixture
def mark(jail):
    """Marks of one answer under some tests: mark(answer, test, ..., names) -> [(points, message), ...]."""

    def mark(answer, *tests, names=("f",), before="", after=()):
        reference = "\n".join(f"class {name}: pass" if name.istitle() else f"{name} = None" for name in names)
        cells = [new_code_cell(before), graded("answer", reference, solution=True, grade=False)]
        cells += [graded(f"t{i}", t, grade=True, solution=False, points=10) for i, t in enumerate(tests)]
        exam = make_exam(new_notebook(cells=cells), "n.ipynb")
        mine = [new_code_cell(before), graded("answer", answer), *[new_code_cell(text) for text in after]]
        steps = build(exam, new_notebook(cells=mine))
        key = b"0" * 32
        examination = Examination(exam, steps, jail, {}, LIMITS, time.monotonic() + 20, seeds(key, "a", "s"))
        mark.outcome = examination.run()
        jail.clear()
        return [mark.outcome.marks[f"t{i}"][:2] for i in range(len(tests))]

    return mark


def test_a_right_and_a_wrong_answer(mark):
    assert mark("def f(x): return 2 * x", "assert f(3) == 6", "assert f(3) == 7, 'twice'") == [(10, ""), (0, "twice")]


def test_values_come_back_as_they_are(mark):
    tests = [
        "import torch\nx = torch.randn(2, 3)\nassert torch.equal(f(x), x) and f(x) is not x",
        "import numpy as np\nx = np.arange(6.).reshape(2, 3)\nnp.testing.assert_array_equal(f(x), x)",
        "for x in (None, True, 3, 2**80, 0.1, 'é', b'b', [1, (2,)], {'a': {1}}, 1j, float('inf')):\n"
        "    assert f(x) == x and type(f(x)) is type(x), x",
        "import torch\nassert f(torch.float16) is torch.float16",
    ]
    assert mark("def f(x): return x", *tests) == [(10, "")] * 4


STACK = """
answer = 42
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x)
    def __len__(self): return len(self.items)
    def __getitem__(self, i): return self.items[i]
def f(x): return Stack()
"""


def test_plain_values_are_fetched_and_classes_are_called(mark):
    test = "s = Stack()\ns.push(7)\nassert len(s) == 1 and s[0] == 7 and s.items == list(s) == [7]"
    test += "\nassert answer == 42"
    assert mark(STACK, test, names=("answer", "Stack")) == [(10, "")]


def test_what_a_function_returns_is_not_gone_through(mark):
    tests = ["len(f(1)); None", "f(1)[0]; None", "all(x == 1 for x in f(1))", "zip(f(1), [1]); None"]
    assert [points for points, _ in mark(STACK, *tests)] == [0] * 4


def test_what_plain_values_have_is_not_asked_of_an_opaque_value(mark):
    answer = "class Yes:\n    def __getattr__(self, name): return lambda *a: True\ndef f(x): return Yes()"
    names = ["allclose", "equal", "all", "item", "startswith", "issuperset", "count", "get", "shape"]
    tests = ["import torch, numpy", *(f"assert f(1).{name}(1)" for name in names), "assert f(1).fit(1)"]
    assert [points for points, _ in mark(answer, *tests)] == [10, *[0] * len(names), 10]


def test_a_module_can_be_loaded_with_given_weights(mark):
    answer = "import torch\nf = lambda: torch.nn.Linear(2, 1)"
    test = """
import torch
m = f()
m.load_state_dict({'weight': torch.ones(1, 2), 'bias': torch.zeros(1)})
assert m(torch.ones(1, 2)).item() == 2"""
    assert mark(answer, test) == [(10, "")]


def test_gradients_are_a_claim_that_can_be_compared(mark):
    test = "import torch\nx = torch.ones(3)\nassert torch.equal(f.gradients(x=x, k=2)['x'], torch.full((3,), 4.))"
    assert mark("def f(x, k): return k * x ** 2", test) == [(10, "")]


def test_an_error_comes_back_as_its_builtin_kind(mark):
    tests = [
        "try:\n    f(-1)\nexcept ValueError as error:\n    assert str(error) == 'negative'\nelse:\n    assert False",
        "f(-1)",
    ]
    answer = "class Own(ValueError): pass\ndef f(x): raise Own('negative')"
    assert mark(answer, *tests) == [(10, ""), (0, "ValueError: negative")]


def test_an_opaque_value_equals_nothing_and_is_neither_true_nor_false(mark):
    answer = "class Liar:\n    def __eq__(self, o): return True\n    __bool__ = __eq__\ndef f(x): return Liar()"
    tests = ["assert f(1) == 1", "assert f(1)", "assert not f(1)", "assert f(1) != 2", "assert f(1) in [1]"]
    assert [points for points, _ in mark(answer, *tests)] == [0] * 5
    assert "a Liar came where a plain value is needed" in mark(answer, tests[0])[0][1]


def test_arguments_are_copies_and_a_change_is_told(mark):
    answer = "def f(x): x.append(1); return x"
    assert mark(answer, "x = []\nassert f(x=x) == [1] and x == [] and f.arguments_after == {'x': [1]}") == [(10, "")]


def test_what_a_test_does_to_a_worker_ends_with_it(mark):
    answer = "calls = []\ndef f(x):\n    calls.append(x)\n    return len(calls)"
    assert mark(answer, "assert f(1) == 1", "assert f(1) == 1") == [(10, ""), (10, "")]


def test_a_process_that_ends_loses_only_its_test(mark):
    answer = "import os\ndef f(x):\n    if x == 1: os._exit(0)\n    return x"
    marks = mark(answer, "f(1)", "assert f(2) == 2", "try:\n    f(1)\nexcept Exception:\n    pass")
    assert [points for points, _ in marks] == [0, 10, 0]
    assert "ended its Python process" in marks[0][1]


def test_what_calls_nothing_of_the_learners_needs_no_process_of_it(mark):
    judges_files = "import os\nassert not os.path.exists('predictions.json')"
    assert [points for points, _ in mark("import os\nos._exit(0)", "assert f(1) == 2", judges_files)] == [0, 10]


def test_names_that_a_test_uses_in_a_roundabout_way_are_there(mark):
    tests = ["assert eval('f')(1) == 2", "assert globals()['f'](1) == 2"]
    assert mark("def f(x): return 2 * x", *tests) == [(10, "")] * 2
    assert mark("def f(x): return 2 * x", "assert twice(1) == 4", before="def twice(x): return f(f(x))") == [(10, "")]


def test_an_endless_call_loses_only_its_test(mark):
    marks = mark(
        "def f(x):\n    while x: pass\n    return 5",
        "f(1)",
        "assert f(0) == 5",
        "try:\n    f(1)\nexcept BaseException: pass",
    )
    assert [points for points, _ in marks] == [0, 10, 0]
    assert marks[0][1] == "it did not end within 2 s"


def test_a_cell_that_ends_the_process_loses_only_what_it_defines(mark):
    assert mark("def f(): return 1", "assert f() == 1", after=["import os; os._exit(1)"]) == [(10, "")]
    assert (
        "answer): the code ended its Python process" in (mark("import os; os._exit(1)", "f()"), mark.outcome.hits[0])[1]
    )


def test_an_endless_cell_is_interrupted_and_keeps_what_it_had(mark):
    assert mark("def f(): return 1\nwhile True: pass", "assert f() == 1") == [(10, "")]
    assert mark.outcome.hits == ["cell 1 (answer): it ran longer than 2 s and was stopped"]


def test_hidden_inputs_do_not_come_back_in_the_output_of_a_later_cell(mark):
    answer = "import pathlib\ndef f(x):\n    print(x)\n    pathlib.Path('seen').write_text(str(x))\n    return x"
    spy = "import os, time; time.sleep(0.5); print(os.listdir())"
    assert mark(answer, "assert f('secret-input') == 'secret-input'", after=[spy]) == [(10, "")]
    assert "secret-input" not in str(mark.outcome.outputs)
    assert "seen" not in str(mark.outcome.outputs)


def test_a_helper_of_the_source_may_call_the_answer(mark):
    before = "def twice(x): return f(f(x))"
    assert mark("def f(x): return x + 1", "assert twice(1) == 3", before=before) == [(10, "")]


def test_a_name_that_is_not_there_is_said(mark):
    assert mark("def g(): pass", "f(1)") == [
        (0, "f is not there: the cell that should define it failed, or defines something else")
    ]


def test_a_callback_cannot_be_sent(mark):
    ((points, message),) = mark("def f(g): return g()", "f(lambda: 1)")
    assert points == 0
    assert "only plain values can" in message


def test_seeds_are_per_test_and_per_key():
    one, other = seeds(b"a" * 32, "x", "s"), seeds(b"b" * 32, "x", "s")
    assert one("t") == one("t") != one("u")
    assert one("t") != other("t")
    assert 0 <= one("t") < 2**63


def test_a_test_finds_its_seed(mark):
    test = (
        "import os, random, torch\nassert os.environ['CLASSROOM_SEED']\n(random.random() + torch.rand(()).item()) / 9"
    )
    first, again = mark("f = 1", test), mark("f = 1", test)
    assert first == again
    assert 0 < first[0][0] < 1


@pytest.mark.parametrize(
    ("value", "points"),
    [(None, 10), (10, 10), (2.5, 2.5), (0, 0), (-1, 0), (11, 0), (math.nan, 0), (math.inf, 0), (True, 0), ("10", 0)],
)
def test_a_mark_is_a_number_within_the_points(value, points):
    assert judge(value, None, 10.0)[0] == points


def test_a_stand_in_hides_what_it_is():
    stand_in = Remote(None, type("R", (), {"kind": "Thing"})())
    for attempt in (bool, hash, float, int, lambda r: r == 1, lambda r: r < 1, lambda r: setattr(r, "x", 1)):
        with pytest.raises(TypeError, match="Thing"):
            attempt(stand_in)
    for attempt in (len, list, sorted, lambda r: r[0], torch.tensor, lambda r: 1 in r):
        with pytest.raises(TypeError, match="Thing"):
            attempt(stand_in)
