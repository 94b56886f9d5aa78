"""What `classroom check` tells a learner."""

import json
import shutil

import pytest
from rich.console import Console
from tiny_course import NAME, RIGHT, RIGHT_ADD, SLUG, answered, code, notebook, write

from classroom import precheck
from classroom.course import ClassroomError, Course
from classroom.rehearse import rehearse


def check(course, content, tmp_path, name=f"{NAME}.ipynb"):
    """The report on a notebook, without running it."""
    file = write(tmp_path / "mine" / name, content)
    original, mine, expected = precheck.load(course, file, SLUG)
    return precheck.inspect(original, mine, file.name, expected)


def test_a_right_notebook_is_ready(course, released, tmp_path):
    report = check(course, answered(released, RIGHT), tmp_path)
    assert (report.losses, report.notes, report.ready) == ([], [], True)


def test_answers_that_were_not_written(course, released, tmp_path):
    half = RIGHT["scale"] + '\n    raise NotImplementedError("write your code here and delete this line")'
    report = check(course, answered(released, {"scale": half}), tmp_path)
    assert report.losses == [
        "the answer 'add' is as it was released: nothing was written",
        "the answer 'scale' still has a line that raises NotImplementedError: delete it",
    ]
    assert not report.ready


def test_cells_that_were_lost_copied_edited_or_retyped(course, released, tmp_path):
    content = answered(released, {**RIGHT, "add_visible": "pass"})
    cells = content["cells"]
    cells[6] = {key: cells[6][key] for key in ("id", "metadata", "source")} | {"cell_type": "markdown"}
    cells.append(dict(cells[5], id="copy"))
    cells.append(code("stray", "1", grade=True, solution=False, points=99))
    cells.append(code("long", "#" * 100_001))
    del cells[4]
    report = check(course, content, tmp_path)
    assert report.losses == [
        "cell 10 is 100 kB long, at most 100 kB are graded: move data out of the code",
        "the test 'add_hidden' (3 points) is missing: copy the cell back from the released notebook",
        "the answer 'scale' is there 2 times and only one counts: delete the others",
        "the test 'scale_visible' is now a markdown cell: make it code again",
    ]
    assert report.notes == [
        "cell 9 claims to be 'stray', which the assignment does not know: it earns nothing",
        "the test 'add_visible' was edited: at grading the original takes its place",
    ]


def test_the_file_must_have_the_right_name(course, released, tmp_path):
    report = check(course, answered(released, RIGHT), tmp_path, "sums (1).ipynb")
    assert report.losses == ["the file is called sums (1).ipynb: hand it in as sums.ipynb"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is JSON but not a notebook"),
        ({"nbformat": 3, "worksheets": []}, "has notebook format 3, only 4 can be graded"),
        ({**notebook([]), "cells": [{"cell_type": "poem"}]}, "is not a valid notebook"),
        ({**notebook([]), "cells": 3}, "is not a valid notebook"),
        ({**notebook([]), "metadata": {"padding": "x" * 20_000_000}}, "is too large"),
    ],
)
def test_files_that_are_not_notebooks(course, tmp_path, content, words):
    with pytest.raises(ClassroomError, match=words) as caught:
        check(course, content, tmp_path)
    assert len(str(caught.value)) < 300


def test_bytes_that_are_not_text(course, tmp_path):
    file = tmp_path / f"{NAME}.ipynb"
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ClassroomError, match="is not JSON"):
        precheck.load(course, file)


def test_which_assignment_a_file_belongs_to(course, released, tmp_path):
    root = shutil.copytree(course.root, tmp_path / "course")
    twin = shutil.copytree(root / "exercises" / SLUG, root / "exercises" / "02_twin")
    copied = Course(root)
    loose = write(tmp_path / f"{NAME}.ipynb", answered(released, RIGHT))
    with pytest.raises(ClassroomError, match=r"several assignments have a notebook sums\.ipynb: name yours"):
        precheck.load(copied, loose)
    assert precheck.load(copied, write(tmp_path / "02_twin" / f"{NAME}.ipynb", answered(released, RIGHT)))
    with pytest.raises(ClassroomError, match="no assignment '3'"):
        precheck.load(copied, loose, "3")
    with pytest.raises(ClassroomError, match=r"no assignment has a notebook other\.ipynb"):
        precheck.load(copied, shutil.copy(loose, tmp_path / "other.ipynb") and tmp_path / "other.ipynb")
    write(twin / "second.ipynb", notebook([]))
    with pytest.raises(ClassroomError, match=r"has no notebook other.ipynb; it has second.ipynb, sums.ipynb"):
        precheck.load(copied, tmp_path / "other.ipynb", "02_twin")
    with pytest.raises(ClassroomError, match="is not a file"):
        precheck.load(copied, tmp_path / "absent.ipynb")
    shutil.rmtree(root / "exercises")
    with pytest.raises(ClassroomError, match="get the course's released notebooks first"):
        precheck.load(copied, loose)


def test_a_notebook_edited_where_it_was_released(course, released, tmp_path):
    """It is compared with a fresh release; without the source there is nothing to compare it with."""
    root = shutil.copytree(course.root, tmp_path / "course")
    file = write(root / "exercises" / SLUG / f"{NAME}.ipynb", answered(released, {"add": RIGHT_ADD}))
    original, mine, name = precheck.load(Course(root), file)
    report = precheck.inspect(original, mine, file.name, name)
    assert report.losses == ["the answer 'scale' is as it was released: nothing was written"]
    shutil.rmtree(root / "solutions")
    with pytest.raises(ClassroomError, match="check a copy"):
        precheck.load(Course(root), file)


def run(course, content, tmp_path, cell_seconds=20, seconds=60):
    file = write(tmp_path / "mine" / f"{NAME}.ipynb", content)
    original, mine, _ = precheck.load(course, file, SLUG)
    rows, notes = rehearse(original, mine, file.parent, cell_seconds, seconds, lambda done, total, text: None)
    return {row.grade_id: (row.state, row.points, row.message) for row in rows}, notes


HIDDEN = ("hidden", 0, "runs at grading")


@pytest.mark.course
def test_running_does_not_touch_the_learners_files(course, released, tmp_path):
    write(tmp_path / "mine" / "data.txt", "42")
    setup = "import os\nassert open('data.txt').read() == '42'\nopen('data.txt', 'w').write('new')\nopen('x', 'w')"
    content = answered(released, {**RIGHT, "setup": setup, "add_visible": "1 / 0"})
    rows, notes = run(course, content, tmp_path)
    assert rows == {"add_visible": ("passed", 2, ""), "add_hidden": HIDDEN, "scale_visible": ("passed", 2, ""),
                    "scale_hidden": HIDDEN}  # fmt: skip
    assert notes == []
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == ["data.txt", f"{NAME}.ipynb"]
    assert (tmp_path / "mine" / "data.txt").read_text() == "42"
    assert json.loads((tmp_path / "mine" / f"{NAME}.ipynb").read_text()) == content


@pytest.mark.course
def test_running_tells_failures_limits_and_death(course, released, tmp_path):
    add = "def add(a, b):\n    return a - b\nwhile True:\n    pass"
    content = answered(released, {"add": add, "scale": "os.kill(os.getpid(), 9)"})
    content["cells"].append(dict(content["cells"][3], id="copy", source="pass"))
    rows, notes = run(course, content, tmp_path, 2)
    assert rows["add_visible"] == ("failed", 0, "AssertionError: one and two make three")
    assert rows["scale_visible"] == ("not reached", 0, "the Python process died in cell 6")
    assert notes == ["cell 3 ended in an error: CellTimeoutError: the cell ran longer than 2 s and was stopped"]


@pytest.mark.course
def test_the_whole_run_is_limited(course, released, tmp_path):
    content = answered(released, {**RIGHT, "setup": "import time\ntime.sleep(30)"})
    rows, _ = run(course, content, tmp_path, 20, 1)
    assert rows["add_visible"] == ("not reached", 0, "the notebook ran longer than 1 s")


def test_a_folder_full_of_other_things(course, released, tmp_path, monkeypatch):
    monkeypatch.setattr("classroom.rehearse.MAX_FOLDER_BYTES", 1000)
    with pytest.raises(ClassroomError, match="folder of their own"):
        run(course, answered(released, RIGHT), tmp_path)


@pytest.mark.parametrize("markup", [True, False])
def test_brackets_in_a_message_are_shown_as_they_are(markup, capsys):
    row = precheck.Row("scale_visible", 2, 0, "failed", "wrong at [0, 0, 1], [red] and \\[2]")
    precheck.Report("sums.ipynb", rows=[row]).show(Console(width=200, markup=markup, highlight=False))
    assert "wrong at [0, 0, 1], [red] and \\[2]" in capsys.readouterr().out
