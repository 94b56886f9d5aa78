"""What a sample class earns, whatever its notebooks do."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import nbgrader.api
import psutil
import pytest
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
    assert states["perfect"] == states["blank"] == states["noisy"] == ("graded", "")
    assert states["loops"] == ("graded with limits hit", "stopped after 2 s: scale")
    assert states["killed"][0] == states["stubborn"][0] == "graded with limits hit"
    assert states["killed"][1].startswith("the Python process died in cell 6 (scale)")
    assert states["stubborn"][1] == "cell 6 (scale) did not stop within 2 s, not even when interrupted"
    assert states["junk"] == ("quarantined", f"{NAME}.ipynb is not JSON: save it again from Jupyter")


def test_messages_are_plain_text(graded_class):
    _, results = graded_class
    messages = {name: [task["message"] for task in result["tasks"]] for name, result in results.items()}
    assert messages["perfect"] == [""] * 4
    assert messages["half"][2] == "NotImplementedError: write your code here and delete this line"
    assert messages["raises"][2] == "NameError: name 'scale' is not defined"
    assert messages["noisy"][3] == "something was printed to stderr, which loses the marks: careful <b>"
    assert messages["missing"][1] == "this cell is missing from the submission"
    assert all(result["reason"] in ("", *messages[name]) or result["executed"] for name, result in results.items())


def test_nothing_is_left_running_or_lying_about(graded_class):
    folder, _ = graded_class
    assert not [p for p in psutil.process_iter() if str(folder) in " ".join(_command(p))]
    assert {p.name for p in folder.iterdir()} == {
        "submitted",
        "results",
        "autograded",
        "gradebook.db",
        "sample-class.json",
    }


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_the_gradebook_agrees_with_the_results(graded_class):
    folder, results = graded_class
    with gradebook.Gradebook(gradebook.url(folder / "gradebook.db")) as book:
        for name, result in results.items():
            assert book.find_submission(SLUG, name).score == result["total"], name
        comments = [comment.comment for comment in book.find_submission(SLUG, "killed").notebooks[0].comments]
    assert comments == [results["killed"]["reason"]] * 2


def test_a_result_says_what_it_is_a_result_of(graded_class, course):
    folder, _ = graded_class
    result = json.loads((folder / "results" / "perfect" / f"{SLUG}.json").read_text())
    manifest = json.loads((folder / "sample-class.json").read_text())
    assert result["files"] == manifest["learners"]["perfect"]["files"]
    assert result["nbgrader"] == "0.9.6"
    assert result["max"] == sum(task["max_points"] for task in source_tasks(course, SLUG)) == 10


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
    assert seen[4:] == [("half", False), ("perfect", True)]
    assert [task["points"] for task in changed[0]["tasks"]] == [0, 0, 2, 3]

    # A gradebook that was lost is filled from the results.
    (folder / "gradebook.db").unlink()
    grade(course, SLUG, folder, LIMITS, tell=tell)
    assert seen[6:] == [("half", True), ("perfect", True)]
    with gradebook.Gradebook(gradebook.url(folder / "gradebook.db")) as book:
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
    assert (result["total"], result["max"]) == (10, 12)


def test_strangers_are_refused_before_anything_runs(course, released, tmp_path):
    folder = class_of(tmp_path / "class", released, "perfect")
    canary = tmp_path / "ran"
    content = answered(released, {"add": f"open({str(canary)!r}, 'w')"})
    add_learner(folder, "abel", content, 0)
    manifest = folder / "sample-class.json"
    good = manifest.read_text()
    submitted = folder / "submitted" / "perfect" / SLUG / f"{NAME}.ipynb"

    def refused(*words):
        with pytest.raises(ClassroomError) as caught:
            grade(course, SLUG, folder, LIMITS)
        assert caught.value.exit_code == 3
        for word in words:
            assert word in str(caught.value)
        assert not (folder / "results").exists()
        assert not canary.exists()

    manifest.unlink()
    refused("sample-class.json", "not part of the sample class")
    entry = json.loads(good)
    del entry["learners"]["perfect"]
    write(manifest, entry)
    refused(f"submitted/perfect/{SLUG} is not part of the sample class")
    write(manifest, good)
    before = submitted.read_bytes()
    submitted.write_bytes(before + b" ")
    refused(f"{NAME}.ipynb was changed", "sandbox")
    submitted.write_bytes(before)
    extra = write(submitted.parent / "torch.py", "")
    refused("torch.py is not part of the sample class")
    extra.unlink()
    extra.symlink_to("/etc/passwd")
    refused("torch.py is not part of the sample class")
    extra.unlink()
    submitted.unlink()
    refused("not there")


def test_manifests_that_are_not(course, tmp_path):
    for text, words in [
        ("[", "not a manifest"),
        ('{"assignment": "02_other", "learners": {}}', "'02_other', not '01_sums'"),
        ('{"assignment": "01_sums", "learners": {"a*": {"files": {}, "expected": 0}}}', "rename the learner 'a*'"),
    ]:
        write(tmp_path / "class" / "sample-class.json", text)
        with pytest.raises(ClassroomError, match=words.replace("*", r"\*")) as caught:
            grade(course, SLUG, tmp_path / "class", LIMITS)
        assert caught.value.exit_code == 2


def test_a_gradebook_that_is_not_one(course, released, tmp_path):
    folder = class_of(tmp_path / "class", released, "blank")
    write(folder / "gradebook.db", "not a database, but long enough to be read as the head of one" * 20)
    with pytest.raises(ClassroomError, match="gradebook"):
        grade(course, SLUG, folder, LIMITS)


def test_a_new_gradebook_needs_no_alembic_on_the_path(course, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    nbgrader.api.get_alembic_version.cache_clear()
    gradebook.prepare(course, SLUG, tmp_path / "gradebook.db", tmp_path)
    assert not gradebook.has(tmp_path / "gradebook.db", SLUG, "nobody")


def test_files_of_the_learner_lie_beside_the_notebook_and_grading_is_announced(own_course, released, tmp_path):
    cells = source_cells()
    cells[3]["source"] = "import os\nassert os.environ['CLASSROOM_GRADING'] == '1'\nassert open('answers.txt').read()"
    cells[4]["source"] = "### BEGIN HIDDEN TESTS\n1.5\n### END HIDDEN TESTS"
    cells[6]["source"] = "'not a number'"
    cells[7]["source"] = "-1"
    write(own_course.source / SLUG / f"{NAME}.ipynb", notebook(cells))
    add_learner(tmp_path / "class", "perfect", answered(released, RIGHT), 3.5, **{"answers.txt": "42"})
    (result,) = grade(own_course, SLUG, tmp_path / "class", LIMITS)
    # Stock nbgrader gives full marks for what is not a number, and for what is negative.
    assert [task["points"] for task in result["tasks"]] == [2, 1.5, 0, 0]


def test_a_notebook_that_takes_too_long_earns_nothing(course, released, tmp_path):
    add_learner(tmp_path / "class", "slow", answered(released, {**RIGHT, "scale": "import time\ntime.sleep(60)"}), 0)
    (result,) = grade(course, SLUG, tmp_path / "class", Limits(cell_seconds=50, notebook_seconds=4))
    assert (result["total"], result["state"]) == (0, "graded with limits hit")
    assert result["reason"] == "the notebook ran longer than 4 s and was stopped"
    assert result["seconds"] < 8


def test_a_killed_grader_leaves_nothing_running_and_goes_on_later(course, released, tmp_path):
    folder = class_of(tmp_path / "class", released, "blank")
    mark = tmp_path / "kernel.pid"
    sleeper = f"""
if not os.path.exists({str(mark)!r}):
    import time
    open({str(mark)!r}, 'w').write(str(os.getpid()))
    time.sleep(15)
"""
    add_learner(folder, "sleeper", answered(released, {**RIGHT, "scale": sleeper}), 5)
    command = [sys.executable, "-c", "from classroom.cli import main; main()", "grade", SLUG, "--class-dir", folder]
    grader = subprocess.Popen(command, cwd=course.root, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    kernel = int(mark.read_text())
    os.kill(grader.pid, signal.SIGKILL)
    grader.wait()
    while psutil.pid_exists(kernel) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(kernel)
    assert [p.name for p in (folder / "results").iterdir()] == ["blank"]
    seen = {}
    grade(course, SLUG, folder, Limits(), tell=lambda done, total, result, skipped: seen.update({done: skipped}))
    assert seen == {1: True, 2: False}


def test_no_leftover_database_of_sqlite(graded_class):
    folder, _ = graded_class
    with sqlite3.connect(folder / "gradebook.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
