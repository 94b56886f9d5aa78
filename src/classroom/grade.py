"""Marks for a class: one result file a submission, and a gradebook filled from them.

A submission always ends in a state: "graded", "graded with limits hit" (a cell or the notebook ran out of time, or
the Python process died), or "quarantined" (it could not be run at all). Nothing that a submission does stops the
others, and a run that was cut short goes on where it was.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader import __version__ as nbgrader_version

from classroom import __version__, gradebook
from classroom.autograde import autograde
from classroom.course import ClassroomError, Course, notebooks_in
from classroom.files import read_json, scratch, sha256, write_json
from classroom.notebook import read_notebook, restore
from classroom.processes import run_limited
from classroom.release import IGNORED, check_source
from classroom.sample import load_sample, read_submission, verify

GRADED, LIMITED, QUARANTINED = "graded", "graded with limits hit", "quarantined"


@dataclass(frozen=True)
class Limits:
    cell_seconds: int = 20
    notebook_seconds: int = 120


@dataclass(frozen=True)
class Grading:
    """What stays the same from one submission to the next."""

    course: Course
    assignment: str
    class_dir: Path
    limits: Limits
    workplace: Path
    source: dict  # {file of the source: sha256}
    tasks: list  # of {"notebook", "grade_id", "max_points"}

    @property
    def database(self):
        return self.class_dir / "gradebook.db"


def grade(course, assignment, class_dir, limits, regrade=False, tell=lambda done, total, result, skipped: None):
    """Grade every submission of the sample class; returns the results in the order of the learners' names.

    Raises ClassroomError before anything is executed if a file is not part of the sample class.
    """
    (assignment,) = course.choose([assignment])
    class_dir = Path(class_dir).resolve()
    learners = load_sample(class_dir, assignment)
    verify(class_dir, assignment, learners)
    for notebook in notebooks_in(course.source / assignment):
        check_source(notebook)
    results = []
    with scratch(".grading-", class_dir) as workplace:
        source, tasks = source_hashes(course, assignment), source_tasks(course, assignment)
        grading = Grading(course, assignment, class_dir, limits, workplace, source, tasks)
        gradebook.prepare(course, assignment, grading.database, workplace)
        for done, submission in enumerate(learners.values(), start=1):
            path = result_path(class_dir, submission.learner, assignment)
            result = read_json(path)
            skipped = not regrade and _is_current(result, submission, grading)
            if not skipped:
                path.unlink(missing_ok=True)  # an old mark never passes for a new one
                result = _grade_one(submission, grading)
                write_json(path, result)
            if not skipped or not gradebook.has(grading.database, assignment, submission.learner):
                gradebook.record(grading.database, result)
            results.append(result)
            tell(done, len(learners), result, skipped)
    return results


def result_path(class_dir, learner, assignment):
    return Path(class_dir) / "results" / learner / f"{assignment}.json"


def source_hashes(course, assignment):
    """{file: sha256} of what the instructor wrote for an assignment: notebooks, and data that goes with them."""
    folder = course.source / assignment
    inside = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {p.as_posix(): sha256(folder / p) for p in inside if not set(p.parts) & set(IGNORED)}


def source_tasks(course, assignment):
    """Every graded cell of the source, in order."""
    tasks = []
    for path in notebooks_in(course.source / assignment):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            grading = cell["metadata"].get("nbgrader", {})
            if grading.get("grade") or grading.get("task"):
                points = float(grading["points"])
                tasks.append({"notebook": path.stem, "grade_id": grading["grade_id"], "max_points": points})
    return tasks


def _is_current(result, submission, grading):
    return (
        isinstance(result, dict)
        and result.get("files") == submission.files
        and result.get("source") == grading.source
        and result.get("limits") == vars(grading.limits)
        and result.get("grader") == __version__
        and (not result.get("executed") or _executed(submission, grading).is_dir())
    )


def _executed(submission, grading):
    return grading.class_dir / "autograded" / submission.learner / grading.assignment


def _grade_one(submission, grading):
    started = time.monotonic()
    for kind in ("autograded", "feedback"):  # nothing of an earlier grading may pass for this one's
        shutil.rmtree(grading.class_dir / kind / submission.learner / grading.assignment, ignore_errors=True)
    folder = grading.workplace / "submitted" / submission.learner / grading.assignment
    for inside, content in read_submission(grading.class_dir, grading.assignment, submission).items():
        (folder / inside).parent.mkdir(parents=True, exist_ok=True)
        (folder / inside).write_bytes(content)

    reason = _tidy(folder, grading.workplace / "release" / grading.assignment)
    state, tasks = (QUARANTINED, {}) if reason else (GRADED, {})
    if not reason:
        state, reason, tasks = _run(submission, grading)
    executed = bool(tasks)
    if executed:
        target = _executed(submission, grading)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(grading.workplace / "autograded" / submission.learner / grading.assignment, target)
    return _result(submission, grading, state, reason, tasks, time.monotonic() - started)


def _tidy(folder, released):
    """Make the notebooks of a submission such that nbgrader can run them; returns why not, if they cannot be."""
    originals = {path.name: read_notebook(path) for path in notebooks_in(released)}
    if not any((folder / name).is_file() for name in originals):
        return f"no notebook was handed in: {' or '.join(originals)} is missing"
    for name, original in originals.items():
        if not (folder / name).is_file():
            continue
        try:
            notebook = read_notebook(folder / name)
        except ClassroomError as error:
            return str(error)
        restore(notebook, original)
        nbformat.write(notebook, folder / name)
    return ""


def _run(submission, grading):
    """(state, reason, {notebook: {grade_id: [points, message]}}); no tasks if the notebook did not reach its end."""
    outcome_path = grading.workplace / f"{submission.learner}.json"
    job = {
        "course": str(grading.course.root),
        "assignment": grading.assignment,
        "learner": submission.learner,
        "workplace": str(grading.workplace),
        "db_url": gradebook.url(grading.database),
        "cell_seconds": grading.limits.cell_seconds,
        "outcome": str(outcome_path),
    }
    in_time = run_limited(autograde, job, grading.limits.notebook_seconds)
    outcome = read_json(outcome_path)
    if not in_time:
        return LIMITED, f"the notebook ran longer than {grading.limits.notebook_seconds} s and was stopped", {}
    if outcome is None:
        return QUARANTINED, "the notebook could not be graded: the process that ran it died", {}
    if "stopped" in outcome:
        return LIMITED, outcome["stopped"], {}
    if "No space left on device" in outcome.get("error", ""):
        raise ClassroomError(f"no space left on the device of {grading.class_dir}: make room and grade again")
    if "error" in outcome:
        return QUARANTINED, f"the notebook could not be graded: {outcome['error']}", {}
    if outcome["slow"]:
        reason = f"stopped after {grading.limits.cell_seconds} s: {', '.join(outcome['slow'])}"
        return LIMITED, reason, outcome["tasks"]
    return GRADED, "", outcome["tasks"]


def _result(submission, grading, state, reason, tasks, seconds):
    absent = (0.0, "this cell is missing from the submission") if tasks else (0.0, reason)
    rows = []
    for task in grading.tasks:
        points, message = tasks.get(task["notebook"], {}).get(task["grade_id"], absent)
        rows.append({**task, "points": points, "message": message})
    return {
        "learner": submission.learner,
        "assignment": grading.assignment,
        "files": submission.files,
        "source": grading.source,
        "grader": __version__,
        "nbgrader": nbgrader_version,
        "limits": vars(grading.limits),
        "state": state,
        "reason": reason,
        "executed": bool(tasks),
        "tasks": rows,
        "total": sum(row["points"] or 0.0 for row in rows),
        "max": sum(row["max_points"] for row in rows),
        "seconds": round(seconds, 1),
    }
