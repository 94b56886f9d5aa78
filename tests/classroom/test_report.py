"""What an instructor reads about a class."""

import io
import json
from itertools import pairwise

import pytest
from made_up import POINTS, a_result, write_result
from rich.console import Console
from tiny_course import SLUG, write

from classroom.course import ClassroomError
from classroom.report import disagreement, picture, report, show


def fill(folder, *results):
    for result in results:
        write_result(folder, result)
    return folder


def wrong(learner, mistakes, **others):
    """A result with nothing for some tasks, {grade_id: name of the mistake}."""
    result = a_result(learner, {**POINTS, **dict.fromkeys(mistakes, 0.0)}, **others)
    for task in result["tasks"]:
        task["mistake"] = mistakes.get(task["grade_id"], "")
    return result


@pytest.fixture
def folder(tmp_path):
    return fill(
        tmp_path,
        a_result("ada"),
        wrong("bob", {"add_visible": "adds twice", "add_hidden": "adds twice", "scale_hidden": "$x$"}),
        wrong("cy", {"add_hidden": "adds twice"}, state="graded with limits hit", reason="stopped after 20 s: \x1b[2J"),
        a_result("dee", {**POINTS, "scale_hidden": 1.5}),
        a_result("eve", {**POINTS, "scale_hidden": None}),
        a_result("flo", state="to be graded again", reason="a new grading began and has not ended"),
    )


def test_what_is_said(folder):
    said = report(folder, SLUG)
    assert {row["learner"]: row["total"] for row in said["learners"]} == {
        "ada": 10,
        "bob": 2,
        "cy": 7,
        "dee": 8.5,
        "eve": 7,
        "flo": None,
    }
    assert said["states"] == {"graded": 4, "graded with limits hit": 1, "to be graded again": 1}
    marks = said["marks"]
    assert (marks["graded"], marks["mean"], marks["median"], marks["lowest"]) == (5, pytest.approx(6.9), 7, 2)
    assert [part["learners"] for part in marks["histogram"]] == [0, 0, 1, 0, 0, 0, 0, 2, 1, 0, 1]
    assert said["mistakes"] == [{"mistake": "adds twice", "learners": 2}, {"mistake": "$x$", "learners": 1}]
    hidden = {task["grade_id"]: task for task in said["tasks"]}
    assert hidden["add_hidden"]["mistakes"] == {"adds twice": 2}
    assert [hidden["add_hidden"][key] for key in ("full", "partly", "none", "open", "mean")] == [3, 0, 2, 0, 1.8]
    assert [hidden["scale_hidden"][key] for key in ("full", "partly", "none", "open")] == [2, 1, 1, 1]
    assert "expected" not in said["learners"][0]
    assert disagreement(said) == ""
    json.dumps(said)


@pytest.mark.parametrize(
    ("most", "edges"),
    [(10, [*range(11)]), (1, [0, 0.1, 0.2]), (28, [0, 2, 4]), (100, [0, 10, 20]), (7.5, [0, 0.5, 1]), (0, [0])],
)
def test_marks_are_counted_in_steps_that_one_can_read(tmp_path, most, edges):
    result = a_result("ada", {"add_hidden": 0.0})
    result["tasks"][0].update(max_points=most, points=most)
    result.update(total=most, max=most)
    bins = report(fill(tmp_path, result), SLUG)["marks"]["histogram"]
    assert [part["from"] for part in bins[: len(edges)]] == pytest.approx(edges)
    assert bins[-1] == {"from": most, "to": most, "learners": 1}
    assert all(a["to"] == b["from"] for a, b in pairwise(bins))


def test_beside_what_is_expected(tmp_path):
    learners = {
        name: {"files": {}, "expected": mark, "about": ""} for name, mark in {"ada": 10, "bob": 9, "cy": 1}.items()
    }
    write(tmp_path / "sample-class.json", {"assignment": SLUG, "learners": learners})
    said = report(fill(tmp_path, a_result("ada"), a_result("bob"), a_result("dee")), SLUG)
    assert [row["agrees"] for row in said["learners"]] == [True, False, False, False]
    assert disagreement(said) == (
        "3 of 4 marks are not as expected: "
        "bob has 10 (expected 9), cy has no mark (expected 1), dee has 10 (expected -)"
    )
    assert "| bob     | 2 | 3 | 2 | 3 |    10 |      9 ! | graded     |" in printed(said)
    write(tmp_path / "sample-class.json", {"assignment": "another", "learners": {}})
    assert disagreement(report(tmp_path, SLUG)) == ""
    write(tmp_path / "sample-class.json", {"learners": []})
    with pytest.raises(ClassroomError, match="is not a manifest of a sample class"):
        report(tmp_path, SLUG)


def printed(said):
    out = io.StringIO()
    show(said, Console(file=out, width=120, markup=False, highlight=False))
    return out.getvalue()


def test_the_tables(folder):
    text = printed(report(folder, SLUG))
    assert "| eve     | 2 | 3 | 2 |   - |     7 | graded                 |" in text
    assert "| flo     | - | - | - |   - |     - | to be graded again     |" in text
    assert "cy: stopped after 20 s: ?[2J\n" in text
    assert "| 2 | add_hidden    |      3 |    1.80 |    3 |      0 |    2 |    0 | adds twice (2)         |" in text
    assert "5 graded: on average 6.9 of 10, median 7, from 2 to 10\n" in text
    assert "     7 to 8          2  ########################################\n" in text
    assert "   all               1  ####################\n" in text


def test_nothing_to_say(tmp_path):
    with pytest.raises(ClassroomError, match="there is no class folder"):
        report(tmp_path / "absent", SLUG)
    with pytest.raises(ClassroomError, match="run `classroom grade` first"):
        report(tmp_path, SLUG)
    said = report(fill(tmp_path, a_result("flo", state="to be graded again")), SLUG)
    assert said["marks"] == {"graded": 0}
    assert "flo" in printed(said)
    with pytest.raises(ClassroomError, match="nothing of '01_sums' is graded"):
        picture(said, tmp_path / "a.svg")
    with pytest.raises(ClassroomError, match=r"must end in \.svg or \.png"):
        picture(said, tmp_path / "a.pdf")


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_picture_is_the_same_every_time(folder, tmp_path, suffix):
    said = report(folder, SLUG)
    for name in ("one", "two"):
        picture(said, tmp_path / "pictures" / f"{name}.{suffix}")
    one, two = sorted((tmp_path / "pictures").iterdir())
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size > 10_000
    if suffix == "svg":
        text = one.read_text()
        assert "adds twice" in text, "matplotlib says in a comment what its outlines of letters spell"
        assert "<dc:date>" not in text


def test_pictures_of_any_class(tmp_path):
    """One learner with nothing, many learners, many tasks, long names: nothing is in the way."""
    cases = {
        "nothing": [a_result("ada", {"add_hidden": 0.0})],
        "many": [a_result(f"l{n}", {f"task_{'x' * 60}_{k}": float(n % 3) for k in range(50)}) for n in range(30)],
    }
    for name, results in cases.items():
        picture(report(fill(tmp_path / name, *results), SLUG), tmp_path / f"{name}.png")
