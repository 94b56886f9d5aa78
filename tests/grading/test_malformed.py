"""Whatever is handed in ends in one state, with a reason, and harms nobody else: all of it in one class."""

import hashlib
import json
import math
import sys
from collections import Counter

import malformed
import pytest

from classroom import gradebook
from classroom.course import ClassroomError
from classroom.grade import grade
from classroom.rebuild import Rejected, read_submission
from classroom.results import GRADED, LIMITED, QUARANTINED, read_results
from classroom.sandbox import Limits
from tests.classroom.tiny_course import NAME, RIGHT, SLUG, answered, write

pytestmark = pytest.mark.course
NOTEBOOK = f"{NAME}.ipynb"
LIMITS = Limits(cell_seconds=5, notebook_seconds=60)
BYSTANDERS = ("a-first", "honest-middle", "zz-last")


@pytest.fixture(scope="module")
def right(course):
    return answered(course.release / SLUG / NOTEBOOK, RIGHT)


@pytest.fixture(scope="module")
def cases(right):
    return {case.name: case for case in malformed.cases(right, NOTEBOOK)}


@pytest.fixture(scope="module")
def folder(cases, right, tmp_path_factory):
    made = tmp_path_factory.mktemp("class")
    malformed.hand_in(cases.values(), made, SLUG)
    for learner in BYSTANDERS:
        write(made / "submitted" / learner / SLUG / NOTEBOOK, right)
    return made


@pytest.fixture(scope="module")
def results(course, folder):
    grade(course, SLUG, folder, LIMITS, workers=2)
    return {result["learner"]: result for result in read_results(folder, SLUG)}


def test_there_are_many_and_always_the_same(cases, right, tmp_path):
    assert len(cases) >= 500
    assert Counter(name.split("-")[0] for name in cases).keys() >= {"bytes", "value", "tree", "code", "folder", "odd"}
    again = malformed.cases(right, NOTEBOOK)
    assert [case.name for case in again] == list(cases)
    for case in [case for case in again if case.name.startswith(("noise", "tree"))]:
        case.make(tmp_path / "again" / case.name)
        cases[case.name].make(tmp_path / "first" / case.name)
        first, second = (tmp_path / place / case.name / NOTEBOOK for place in ("first", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_each_ends_in_a_state_that_it_may_end_in(cases, results):
    assert results.keys() == {*cases, *BYSTANDERS}
    ended = {name: results[name]["state"] for name in cases}
    assert {name: state for name, state in ended.items() if state not in cases[name].states} == {}
    assert Counter(ended.values()).keys() == {GRADED, LIMITED, QUARANTINED}


def test_what_did_not_end_well_says_why(results):
    for name, result in results.items():
        reason = result["reason"]
        assert bool(reason) == (result["state"] != GRADED), name
        assert len(reason) < 1500, name
        assert reason.isprintable(), name
        assert "/tmp" not in reason, name
        assert "Traceback" not in reason, name
        assert "no fault of yours" not in reason, name
        if result["state"] == QUARANTINED:
            assert not result["executed"]
            assert {task["message"] for task in result["tasks"]} == {reason}


def test_what_is_only_odd_keeps_its_marks_and_what_is_unreadable_has_none(cases, results):
    full = {name: results[name]["total"] == results[name]["max"] for name in cases}
    assert {name for name, case in cases.items() if case.full is not None and full[name] != case.full} == set()


def test_bystanders_have_full_marks(results):
    for learner in BYSTANDERS:
        assert (results[learner]["state"], results[learner]["total"]) == (GRADED, 10)


def test_records_are_json_that_any_program_reads(folder, results):
    def refuse(constant):
        raise AssertionError(constant)

    paths = list(folder.glob("results/*/*.json"))
    assert len(paths) == len(results)
    for path in paths:
        result = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
        numbers = [result["total"], result["max"], result["seconds"], *(task["points"] for task in result["tasks"])]
        assert all(math.isfinite(number) and number >= 0 for number in numbers), path
        assert len(result["tasks"]) == 4
    for path in folder.glob("autograded/*/*/*"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_the_gradebook_agrees(folder, results):
    held = gradebook.marks(gradebook.url_of(folder), SLUG)
    assert held.keys() == results.keys()
    for name, result in results.items():
        assert held[name].auto == {(t["notebook"], t["grade_id"]): t["points"] for t in result["tasks"]}
        assert held[name].waiting == set()


def test_grading_again_changes_nothing(course, folder, results):
    def everything():
        paths = [p for place in ("results", "autograded") for p in (folder / place).rglob("*") if p.is_file()]
        found = {p: (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest()) for p in paths}
        return found | {"gradebook": hashlib.sha256((folder / "gradebook.db").read_bytes()).hexdigest()}

    before, skipped = everything(), []
    grade(course, SLUG, folder, LIMITS, tell=lambda done, total, result, skip: skipped.append(skip))
    assert skipped == [True] * len(results)
    assert everything() == before


def test_nothing_lies_about(folder, results):
    assert {p.name for p in folder.iterdir()} == {"submitted", "results", "autograded", "course.key", "gradebook.db"}
    assert [p for place in ("results", "autograded") for p in (folder / place).rglob(".*")] == []


def test_what_is_handed_in_is_not_touched(cases, folder, results, tmp_path):
    for case in cases.values():
        if case.name.startswith(("bytes", "odd")):
            case.make(tmp_path / case.name)
            assert read_files(folder / "submitted" / case.name / SLUG) == read_files(tmp_path / case.name)


def read_files(folder):
    try:
        return read_submission(folder)
    except Rejected as reason:
        return str(reason)


def test_a_learner_who_is_a_link_gets_nobodys_marks(course, right, tmp_path):
    write(tmp_path / "submitted" / "bob" / SLUG / NOTEBOOK, right)
    (tmp_path / "submitted" / "eve").symlink_to("bob")
    (tmp_path / "submitted" / "file").write_text("no folder")
    totals = {r["learner"]: (r["total"], r["state"]) for r in grade(course, SLUG, tmp_path, LIMITS)}
    assert totals == {"bob": (10, GRADED), "eve": (0, QUARANTINED)}


@pytest.mark.parametrize("name", ["new\nline", "\udcff", "-dash", "a b", "\u202ename", "*"])
def test_a_learner_whom_no_file_system_should_have_is_named(course, right, tmp_path, name):
    write(tmp_path / "submitted" / name / SLUG / NOTEBOOK, right)
    with pytest.raises(ClassroomError, match="rename the folder") as raised:
        grade(course, SLUG, tmp_path, LIMITS)
    assert str(raised.value).encode(sys.stdout.encoding or "utf-8")
    assert not (tmp_path / "results").exists()
