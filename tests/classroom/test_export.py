"""Marks on their way to a learning platform."""

import csv
import io

import pytest
from made_up import POINTS, a_result, write_result
from nbgrader.api import Gradebook
from nbgrader.plugins.export import CsvExportPlugin
from tiny_course import NAME, SLUG, make_course, write

from classroom import gradebook
from classroom.course import ClassroomError, Course
from classroom.export import export, harmless
from classroom.roster import read_roster

ROSTER = """id,name,email,login,canvas_id,moodle_id,sis_id,section
ada,"Love, Ada",ada@example.org,ada1,11,101,s1,A
bob,Bob Roe,=cmd|' /C calc'!A0,,12,102,,A
cy,Cy,cy@example.org,,,,,
dee,@SUM(1+1),-dee@example.org,,,,,
eve,Eve,,,,,,
flo,Flo,,,,,,
gus,Gus,,,,,,
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("late") / "course")
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.LateSubmissionPlugin.penalty_method = "zero"\n')
    return Course(root)


@pytest.fixture(scope="module")
def folder(course, tmp_path_factory):
    """ada: a person's mark; bob: late; cy: waits; dee: graded again; eve: not graded; flo: nothing; zoe: a stranger."""
    folder = tmp_path_factory.mktemp("class")
    url = gradebook.url_of(folder)
    gradebook.prepare(course, SLUG, url, tmp_path_factory.mktemp("work"))
    results = [
        a_result("ada", {**POINTS, "add_hidden": 1.25}, timestamp="2026-01-30T15:30:10+00:00"),
        a_result("bob", timestamp="2026-02-01T00:00:01+00:00"),
        a_result("cy", {**POINTS, "add_hidden": None}),
        a_result("dee"),
        a_result("zoe"),
    ]
    gradebook.fill(url, results, course)
    with Gradebook(url) as book:
        book.find_grade("add_hidden", NAME, SLUG, "ada").manual_score = 2.125
        book.update_or_create_assignment(SLUG, duedate="2026-02-01 00:00:00 UTC")
        book.update_or_create_student("bob", first_name="B,o", last_name='"Roe"')
        book.db.commit()
    results[3]["state"] = "to be graded again"
    for result in results:
        write_result(folder, result)
    gradebook.flag(url, SLUG, ["dee"])
    write(folder / "submitted" / "eve" / SLUG / f"{NAME}.ipynb", "{}")
    return folder


@pytest.fixture(scope="module")
def roster(tmp_path_factory):
    return read_roster(write(tmp_path_factory.mktemp("roster") / "roster.csv", ROSTER))


WAITING = [
    "cy waits for a person: add_hidden",
    "dee is being graded again: run `classroom grade`",
    "eve is not graded yet: run `classroom grade`",
]


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def test_canvas(course, folder, roster):
    text, notes = export(course, folder, SLUG, "canvas", roster, column="Sums (77)")
    assert notes == [*WAITING, "zoe is not in the roster: left out"]
    assert text.splitlines()[:3] == [
        "Student,ID,SIS User ID,SIS Login ID,Section,Sums (77)",
        "    Points Possible,,,,,10",
        '"Love, Ada",11,s1,ada1,A,9.125',
    ]
    assert rows(text)[3] == ["Bob Roe", "12", "", "bob", "A", "0"]
    assert rows(text)[4:] == [
        ["Cy", "", "", "cy", "", ""],
        ["'@SUM(1+1)", "", "", "dee", "", ""],
        ["Eve", "", "", "eve", "", ""],
        ["Flo", "", "", "flo", "", ""],
        ["Gus", "", "", "gus", "", ""],
    ]


def test_moodle(course, folder, roster):
    text, notes = export(course, folder, SLUG, "moodle", roster)
    assert len(notes) == 4
    assert rows(text)[:5] == [
        ["Identifier", "Full name", "ID number", "Email address", SLUG],
        ["Participant 101", "Love, Ada", "s1", "ada@example.org", "9.125"],
        ["Participant 102", "Bob Roe", "bob", "'=cmd|' /C calc'!A0", "0"],
        ["", "Cy", "cy", "cy@example.org", ""],
        ["", "'@SUM(1+1)", "dee", "'-dee@example.org", ""],
    ]


def test_nbgrader_says_the_same_but_for_marks_that_do_not_stand(course, folder, roster, tmp_path):
    text, notes = export(course, folder, SLUG, "nbgrader", roster)
    assert notes == WAITING
    assert ',bob,"""Roe""","B,o",,' in export(course, folder, SLUG, "nbgrader")[0]
    with Gradebook(gradebook.url_of(folder)) as book:
        book.update_or_create_student("bob", first_name=None, last_name=None)  # whose commas stock nbgrader leaves bare
        CsvExportPlugin(to=str(tmp_path / "grades.csv"), assignment=[SLUG]).export(book)
    stock = {row["student_id"]: row for row in csv.DictReader((tmp_path / "grades.csv").read_text().splitlines())}
    ours = {row["student_id"]: row for row in csv.DictReader(text.splitlines())}
    assert list(ours) == ["ada", "bob", "cy", "dee", "eve", "flo", "gus", "zoe"]
    assert list(ours["ada"]) == list(stock["ada"])
    assert ours["zoe"] == stock["zoe"]
    for learner, score, penalty in (("ada", "9.125", "0.0"), ("bob", "0.0", "10.0")):
        assert (ours[learner]["score"], ours[learner]["late_submission_penalty"]) == (score, penalty)
        assert {ours[learner][key] == stock[learner][key] for key in ("raw_score", "timestamp", "max_score")} == {True}
    assert (ours["ada"]["last_name"], ours["ada"]["first_name"]) == ("Love", "Ada")
    assert ours["bob"]["email"] == "'=cmd|' /C calc'!A0"
    assert {ours[learner]["score"] for learner in ("cy", "dee", "eve", "flo")} == {""}
    assert {stock[learner]["score"] for learner in ("cy", "dee")} == {"7.0", "10.0"}, "as stock nbgrader has it"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-x", "'-x"),
        ("@a", "'@a"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-1.5", "-1.5"),
        ("+3", "+3"),
        ("-1+1", "'-1+1"),
        ("", ""),
        ("a=b", "a=b"),
        (3, "3"),
    ],
)
def test_no_cell_is_a_formula(cell, written):
    assert harmless(cell) == written


def test_what_cannot_be_exported(course, folder, roster, tmp_path):
    for arguments, words in [
        ((tmp_path / "absent", SLUG, "canvas", roster), "there is no class folder"),
        ((tmp_path, SLUG, "canvas", roster), "run `classroom grade` first"),
        ((folder, SLUG, "excel", roster), "there are nbgrader, canvas, moodle"),
        ((folder, SLUG, "moodle"), "give them with --roster"),
    ]:
        with pytest.raises(ClassroomError) as caught:
            export(course, *arguments)
        assert words in str(caught.value)
    write_result(tmp_path, a_result("ada"))
    with pytest.raises(ClassroomError, match="run `classroom rebuild-gradebook`"):
        export(course, tmp_path, SLUG, "nbgrader")
    assert not (tmp_path / "gradebook.db").exists()
