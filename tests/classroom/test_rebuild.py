"""The graded notebook: what of a submission gets into it, and what does not."""

import ast
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from tiny_course import notebook as tiny_notebook
from tiny_course import source_cells

from classroom import rebuild
from classroom.rebuild import Rejected, bindings, build, digest, imported, make_exam, read_submission, shadowing


@pytest.fixture
def exam():
    return make_exam(nbformat.from_dict(tiny_notebook(source_cells())), "sums.ipynb")


def handed_in(*cells):
    return new_notebook(cells=[nbformat.from_dict(cell) for cell in cells])


def cell(name, source, **grading):
    made = new_code_cell(source)
    made.metadata["nbgrader"] = {"grade_id": name, **grading}
    return made


def texts(steps, kind):
    return [step.cell.source for step in steps if step.kind == kind]


def test_an_exam_knows_the_names_of_its_answers(exam):
    assert exam.names == ["add", "scale"]
    assert exam.beside == {}  # no test uses what the set-up binds


def test_what_the_tests_use_runs_beside_the_grader():
    cells = source_cells()
    cells[1]["source"] = "import math\nlimit = math.pi\nunused = 3"
    cells.insert(2, {**cells[1], "id": "b", "source": "def near(x): return abs(x) < limit"})
    cells.insert(3, {**cells[1], "id": "c", "source": "never = 1"})
    cells[5]["source"] = "assert near(add(1, 2))"
    exam = make_exam(nbformat.from_dict(tiny_notebook(cells)), "sums.ipynb")
    assert list(exam.beside) == [1, 2]


def test_imports_of_an_answer_are_no_answers():
    cells = source_cells()
    cells[2]["source"] = "import math as m\nfrom os import path\n" + cells[2]["source"] + "\nx, (y, *z) = 1, (2, 3)"
    exam = make_exam(nbformat.from_dict(tiny_notebook(cells)), "sums.ipynb")
    assert exam.names == ["add", "x", "y", "z", "scale"]
    assert exam.imports == ["import math as m", "from os import path"]


def test_only_answers_and_plain_code_are_taken(exam):
    steps = build(
        exam,
        handed_in(
            new_markdown_cell("# mine"),
            new_code_cell("import os"),
            cell("add", "my add"),
            cell("add_visible", "pass", points=1000, grade=True),
            new_code_cell("my notes"),
            cell("unknown", "my helper", grade=True, points=50),
            cell("add", "another add"),
            cell("scale", "my scale"),
        ),
    )
    assert texts(steps, "learner") == ["import os", "my add", "my notes", "my helper", "my scale"]
    assert texts(steps, "test") == [c["source"] for c in source_cells() if "_" in c["id"]]
    assert [step.cell.metadata.nbgrader["points"] for step in steps if step.kind == "test"] == [2, 3, 2, 3]
    assert texts(steps, "text") == [source_cells()[0]["source"]]
    assert [step.note for step in steps if step.name == "add"] == [
        "there is a second cell of this name: only the first one counts"
    ]


def test_an_answer_that_is_not_there_is_empty(exam):
    steps = build(exam, handed_in(cell("scale", "my scale")))
    assert [(step.cell.source, step.note) for step in steps if step.name == "add"] == [
        ("", "this cell is missing from what was handed in")
    ]


def test_cells_run_in_the_order_of_the_source(exam):
    steps = build(exam, handed_in(cell("scale", "my scale"), new_code_cell("after scale"), cell("add", "my add")))
    assert [step.cell.source for step in steps if step.kind == "learner"] == ["my add", "my scale", "after scale"]


def test_too_long_an_answer_says_so_when_it_runs(exam):
    steps = build(exam, handed_in(cell("add", "x" * 200_001)))
    (add,) = [step for step in steps if step.name == "add"]
    assert add.cell.source.startswith("raise ValueError('this cell is 200 kB long")


def test_half_a_character_is_replaced(exam):
    (add,) = [step for step in build(exam, handed_in(cell("add", "'\ud800'"))) if step.name == "add"]
    assert add.cell.source == "'?'"


def test_a_released_cell_that_needs_what_is_withheld_is_left_out():
    cells = source_cells()
    cells[1]["source"] = "from course.answers import best as check"
    exam = make_exam(nbformat.from_dict(tiny_notebook(cells)), "sums.ipynb")
    exam.withheld = ["course.answers"]
    own = "import course.answers"
    steps = build(exam, handed_in(new_code_cell(cells[1]["source"]), new_code_cell(own)))
    assert texts(steps, "left out") == [cells[1]["source"]]
    assert own in texts(steps, "learner")  # the learner's own attempt runs, and is told


def test_names_are_found_where_python_binds_them():
    code = "import a.b, c as d\nfor e in f:\n    g = 1\nwith h as i: pass\n(j := 2)\ndef k(): l = 1\n[m for m in n]"
    assert bindings(ast.parse(code + "\nfrom o import *")) == ["a", "d", "e", "g", "i", "j", "k", "*"]


def test_imports_are_found_at_any_depth():
    assert imported("def f():\n    from a.b import c\nimport d.e") == {"a.b", "a.b.c", "d.e"}
    assert imported("not python (") == set()


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "class" / "submitted" / "ada" / "01_sums"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.ipynb").write_bytes(b"1")
    (folder / "sub" / "b.txt").write_bytes(b"22")
    return folder


def test_a_submission_is_read_whole(folder):
    assert read_submission(folder) == {"a.ipynb": b"1", "sub/b.txt": b"22"}


def test_a_link_that_another_learner_made_does_no_harm(folder):
    thief = folder.parents[1] / "bob" / "01_sums" / "sub"
    thief.mkdir(parents=True)
    (folder.parents[1] / "eve" / "/".join("d" * 30)).mkdir(parents=True)  # deeper than is looked
    os.link(folder / "sub" / "b.txt", thief / "mine.txt")
    assert read_submission(folder) == {"a.ipynb": b"1", "sub/b.txt": b"22"}
    with pytest.raises(Rejected, match=r"sub/mine\.txt is a hard link"):
        read_submission(thief.parent)


def test_its_digest_is_of_names_and_contents_but_not_of_the_time(folder):
    files = read_submission(folder)
    before = digest(files)
    assert digest({**files, "timestamp.txt": b"now"}) == before
    assert digest({"a.ipynb": b"122"}) != digest({"a.ipynb": b"1", "22": b""}) != before


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda f: (f / "l").symlink_to("/etc/passwd"), "l is a link"),
        (lambda f: (f / "d").symlink_to("/etc"), "d is a link"),
        (lambda f: os.link(f / "a.ipynb", f.parents[3] / "h"), "is a hard link"),
        (lambda f: os.mkfifo(f / "p"), "p is not a file"),
        (lambda f: (f / "big").write_bytes(b"x" * 101), "big is too large"),
        (lambda f: [(f / f"n{i}").touch() for i in range(9)], "too much was handed in"),
    ],
)
def test_what_is_not_a_plain_small_file_is_rejected(folder, monkeypatch, make, reason):
    monkeypatch.setattr(rebuild, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(rebuild, "MAX_FILES", 9)
    make(folder)
    with pytest.raises(Rejected, match=reason):
        read_submission(folder)


@pytest.mark.parametrize(
    ("name", "clash"),
    [
        ("json.py", True),
        ("json/__init__.py", True),
        ("helper.py", False),
        ("data/json.py", False),
        ("sitecustomize.py", True),
        ("x.pth", True),
        (".ipython/profile_default/startup/a.py", True),
        ("json.txt", False),
        ("torch.so", True),
    ],
)
def test_a_file_that_would_take_a_modules_place_is_named(name, clash):
    assert shadowing({name: b""}, lambda module: module in {"json", "torch"}) == (name if clash else None)
