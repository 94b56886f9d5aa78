"""What a sample class earns, whatever its notebooks do."""

import hashlib
import json
import os
import sqlite3
from contextlib import suppress

import psutil
import pytest
from nbgrader.api import Gradebook
from tiny_course import NAME, RIGHT, RIGHT_ADD, SLUG, add_learner, answered, notebook, source_cells, write

from classroom import gradebook
from classroom.course import ClassroomError
from classroom.grade import Limits, grade, source_tasks

pytestmark = pytest.mark.course
LIMITS = Limits(cell_seconds=3, notebook_seconds=30)


def class_of(folder, released, *learners):
    for learner in learners:
        answers = {"perfect": RIGHT, "half": {"add": RIGHT_ADD}, "blank": {}}[learner]
        add_learner(folder, learner, answered(released, answers), {"perfect": 10, "half": 5, "blank": 0}[learner])
    return folder


def totals(results):
    return {result["learner"]: result["total"] for result in results}


def test_everybody_gets_what_is_expected(graded_class, submissions):
    _, results = graded_class
    assert {name: result["total"] for name, result in results.items()} == {k: v for k, (_, v) in submissions.items()}


def test_every_submission_ends_in_a_state_with_a_reason(graded_class):
    _, results = graded_class
    states = {name: (result["state"], result["reason"]) for name, result in results.items()}
    for name in ("perfect", "blank", "half", "raises", "noisy", "edited", "spy", "tangled", "missing"):
        assert states[name] == ("graded", "")
    assert states["loops"] == ("graded with limits hit", "cell 6 (scale): it ran longer than 2 s and was stopped")
    assert states["stubborn"][1] == "cell 6 (scale): it did not stop within 2 s, not even when interrupted"
    assert states["killed"][1].startswith("cell 6 (scale): the code ended its Python process")
    assert states["junk"] == ("quarantined", f"{NAME}.ipynb is not JSON: save it again from Jupyter")


def test_messages_are_plain_text(graded_class):
    _, results = graded_class
    messages = {name: [task["message"] for task in result["tasks"]] for name, result in results.items()}
    assert messages["perfect"] == messages["noisy"] == messages["missing"] == [""] * 4
    assert messages["half"][2] == "nothing is written here yet"
    assert messages["raises"][2].startswith("scale is not there: the cell that should define it failed")
    assert messages["spy"][2] == "every number is scaled"
    assert messages["junk"] == [results["junk"]["reason"]] * 4


def test_nothing_is_left_running_or_lying_about(graded_class):
    folder, _ = graded_class
    assert not [p for p in psutil.process_iter() if "classroom.worker" in " ".join(_command(p)) and _mine(p)]
    assert {p.name for p in folder.iterdir()} == {
        "submitted",
        "results",
        "autograded",
        "gradebook.db",
        "course.key",
        "sample-class.json",
    }
    assert (folder / "course.key").stat().st_mode & 0o777 == 0o600


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _mine(process):
    with suppress(psutil.Error):
        return os.getpid() in [parent.pid for parent in process.parents()]


def test_the_gradebook_agrees_with_the_results(graded_class):
    folder, results = graded_class
    with Gradebook(gradebook.url_of(folder)) as book:
        for name, result in results.items():
            assert book.find_submission(SLUG, name).score == result["total"], name


def test_a_result_says_what_it_is_a_result_of(graded_class, course):
    folder, _ = graded_class
    result = json.loads((folder / "results" / "perfect" / f"{SLUG}.json").read_text())
    handed_in = (folder / "submitted" / "perfect" / SLUG / f"{NAME}.ipynb").read_bytes()
    assert result["files"] == {f"{NAME}.ipynb": hashlib.sha256(handed_in).hexdigest()}
    assert result["nbgrader"] == "0.9.6"
    assert "seccomp" in result["layers"]
    assert result["max"] == sum(task["max_points"] for task in source_tasks(course, SLUG)) == 10
    assert len({task["seed"] for task in result["tasks"]}) == 4


def test_grading_again_skips_and_regrading_gives_the_same(course, released, tmp_path):
    folder = class_of(tmp_path / "class", released, "perfect", "half")
    seen = []

    def tell(done, total, result, skipped):
        seen.append((result["learner"], skipped))

    first = grade(course, SLUG, folder, LIMITS, tell=tell)
    assert grade(course, SLUG, folder, LIMITS, tell=tell) == first
    assert seen == [("half", False), ("perfect", False), ("half", True), ("perfect", True)]

    # A changed submission is graded, the other is not; so is a result that was lost.
    add_learner(folder, "half", answered(released, {"scale": RIGHT["scale"]}), 5)
    changed = grade(course, SLUG, folder, LIMITS, tell=tell)
    assert seen[4:] == [("perfect", True), ("half", False)]  # what holds is told first
    assert [task["points"] for task in changed[0]["tasks"]] == [0, 0, 2, 3]

    # A gradebook that was lost is filled from the results.
    (folder / "gradebook.db").unlink()
    grade(course, SLUG, folder, LIMITS, tell=tell)
    assert seen[6:] == [("half", True), ("perfect", True)]
    with Gradebook(gradebook.url_of(folder)) as book:
        assert [book.find_submission(SLUG, name).score for name in ("half", "perfect")] == [5, 10]

    # --regrade, where stock nbgrader would skip what it has graded before.
    assert totals(grade(course, SLUG, folder, LIMITS, regrade=True)) == {"half": 5, "perfect": 10}


def test_a_source_whose_cells_changed_after_grading(own_course, released, tmp_path):
    """Stock nbgrader raises: cells cannot be added once there are submissions."""
    folder = class_of(tmp_path / "class", released, "perfect")
    assert totals(grade(own_course, SLUG, folder, LIMITS)) == {"perfect": 10}
    cells = source_cells()
    cells.append(dict(cells[3], id="more", metadata={"nbgrader": {**cells[3]["metadata"]["nbgrader"],
                                                                   "grade_id": "more"}}))  # fmt: skip
    write(own_course.source / SLUG / f"{NAME}.ipynb", notebook(cells))
    (result,) = grade(own_course, SLUG, folder, LIMITS)
    assert (result["total"], result["max"]) == (12, 12)


def test_a_gradebook_that_is_not_one(course, released, tmp_path):
    folder = class_of(tmp_path / "class", released, "blank")
    write(folder / "gradebook.db", "not a database, but long enough to be read as the head of one" * 20)
    with pytest.raises(ClassroomError, match="gradebook"):
        grade(course, SLUG, folder, LIMITS)


def test_files_that_a_run_leaves_are_there_for_the_tests(own_course, released, tmp_path):
    cells = source_cells()
    cells[3]["source"] = (
        "import os\nassert os.environ['CLASSROOM_GRADING'] == '1'\nassert os.listdir() == ['answers.txt']"
    )
    cells[4]["source"] = "### BEGIN HIDDEN TESTS\n1.5\n### END HIDDEN TESTS"
    cells[6]["source"] = "'not a number'"
    cells[7]["source"] = "-1"
    content = notebook(cells)
    content["metadata"]["classroom"] = {"hand_in": ["answers.txt"]}
    write(own_course.source / SLUG / f"{NAME}.ipynb", content)
    files = {"answers.txt": "42", "other.txt": "not asked for"}
    add_learner(tmp_path / "class", "perfect", answered(released, RIGHT), 3.5, **files)
    (result,) = grade(own_course, SLUG, tmp_path / "class", LIMITS)
    # Stock nbgrader gives full marks for what is not a number, and for what is negative.
    assert [task["points"] for task in result["tasks"]] == [2, 1.5, 0, 0]


def test_what_is_not_reached_in_time_earns_nothing(course, released, tmp_path):
    add_learner(tmp_path / "class", "slow", answered(released, {**RIGHT, "scale": "import time\ntime.sleep(60)"}), 5)
    (result,) = grade(course, SLUG, tmp_path / "class", Limits(cell_seconds=50, notebook_seconds=3))
    assert result["state"] == "graded with limits hit"
    assert result["total"] == 0  # all tests come after all cells, and the time was over then
    assert result["seconds"] < 10


def test_unsafe_is_refused_where_nobody_watches(course, released, tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(ClassroomError, match="refused where CI is set") as caught:
        grade(course, SLUG, class_of(tmp_path / "class", released, "blank"), LIMITS, unsafe=True)
    assert caught.value.exit_code == 3


def test_unsafe_is_written_into_every_record(course, released, tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    folder = class_of(tmp_path / "class", released, "half")
    (result,) = grade(course, SLUG, folder, LIMITS, unsafe=True)
    assert (result["total"], result["layers"]) == (5, [])
    (result,) = grade(course, SLUG, folder, LIMITS)  # and such a mark does not hold in a grading that is safe
    assert "seccomp" in result["layers"]


def test_only_the_named_learners_are_graded(course, released, tmp_path):
    folder = class_of(tmp_path / "class", released, "half", "blank")
    assert totals(grade(course, SLUG, folder, LIMITS, learners=["half"])) == {"half": 5}
    with pytest.raises(ClassroomError, match="nobody has handed in nothing"):
        grade(course, SLUG, folder, LIMITS, learners=["nobody"])


def test_no_leftover_database_of_sqlite(graded_class):
    folder, _ = graded_class
    with sqlite3.connect(folder / "gradebook.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
