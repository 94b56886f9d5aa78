"""Is a class's grading whole? Each submission has one record that matches it, and the gradebook says the same."""

import hashlib
import math
import os
from pathlib import Path

from classroom import gradebook
from classroom.course import ClassroomError
from classroom.grade import source_hashes, source_tasks
from classroom.rebuild import Rejected, digest, read_submission
from classroom.results import QUARANTINED, STATES, WAITS, read_result

NEAR = 1e-9


def audit(course, names, class_dir, db_url=None):
    """What is wrong with the results and the gradebook of a class: one sentence a fault, none if all is well.

    Args:
        course: the Course.
        names: of assignments; empty for all that anything was handed in or graded for.
        class_dir: folder of the class.
        db_url: of its gradebook; None for the file in the class folder.
    """
    class_dir = Path(class_dir).resolve()
    submitted = {(path.name, path.parent.name) for path in _entries(class_dir / "submitted")}
    results, faults = _results(class_dir)
    seen = {assignment for assignment, _ in submitted | results.keys()}
    for name in sorted(names or seen):
        if name not in course.assignments():
            faults.append(f"{name} is no assignment of this course: its results cannot be checked")
            continue
        source, tasks = source_hashes(course, name), source_tasks(course, name)
        own = {learner: result for (assignment, learner), result in results.items() if assignment == name}
        handed_in = {learner for assignment, learner in submitted if assignment == name}
        for learner in sorted(handed_in | own.keys()):
            if learner not in own:
                problems = ["was handed in and has no result: run `classroom grade`"]
            elif learner not in handed_in:
                problems = ["has a result, and nothing was handed in: remove the result"]
            elif own[learner] is None:
                continue  # said above
            else:
                problems = _problems(class_dir, own[learner], source, tasks)
            faults += [f"{name} of {learner} {problem}" for problem in problems]
        whole = {learner: result for learner, result in own.items() if result}
        faults += [f"{name}: {problem}" for problem in _in_gradebook(gradebook.url_of(class_dir, db_url), name, whole)]
    return faults


def _entries(folder):
    """What lies two levels down: FOLDER/LEARNER/ENTRY."""
    return [path for learner in _listed(folder) if learner.is_dir() for path in _listed(learner)]


def _listed(folder):
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _results(class_dir):
    """({(assignment, learner): result, or None for one that is not whole}, faults of the folder itself)."""
    results, faults = {}, []
    for path in _listed(class_dir / "results"):
        if not path.is_dir():
            faults.append(f"{path} is no result: remove it")
    for path in _entries(class_dir / "results"):
        if path.suffix != ".json" or path.name.startswith(".") or not path.is_file():
            faults.append(f"{path} is no result: remove it")
            continue
        try:
            results[path.stem, path.parent.name] = read_result(path)
        except ClassroomError as error:
            faults.append(str(error))
            results[path.stem, path.parent.name] = None
    return results, faults


def _problems(class_dir, result, source, tasks):
    """What is wrong with one result, each the end of a sentence."""
    learner, assignment = result["learner"], result["assignment"]
    if result["state"] not in STATES:
        yield f"is in an unknown state ('{result['state']}'): grade it again with --regrade"
    if result["state"] == WAITS:
        yield "was being graded again, which did not end: run `classroom grade`"
        return
    if not result.get("layers") and result["state"] != QUARANTINED:
        yield "was graded without a sandbox: grade it again with --regrade"
    yield from _other_files(class_dir / "submitted" / learner / assignment, result)
    if result["source"] != source:
        yield "was graded with another version of the assignment: run `classroom grade`"
    elif _shape(result["tasks"]) != _shape(tasks):
        yield "lists other tasks than the assignment has: grade it again with --regrade"
    points = [task["points"] for task in result["tasks"] if task["points"] is not None]
    if not all(_is_mark(task["points"], task["max_points"]) for task in result["tasks"]):
        yield "has points that are no mark: grade it again with --regrade"
    elif not (_same(result["total"], sum(points)) and _same(result["max"], sum(t["max_points"] for t in tasks))):
        yield "has a total that is not the sum of its tasks: grade it again with --regrade"
    if result["executed"]:
        for name in sorted({task["notebook"] for task in result["tasks"]}):
            if not (class_dir / "autograded" / learner / assignment / f"{name}.ipynb").is_file():
                yield f"has lost its executed notebook {name}.ipynb: run `classroom grade`"


def _other_files(folder, result):
    """Whether what lies there is what was graded."""
    try:
        files = read_submission(folder)
        submission, hashes = (
            digest(files),
            {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        )
    except Rejected as reason:
        submission, hashes = str(reason), {}
    if (result.get("submission"), result["files"]) == (submission, hashes):
        return
    changed = sorted(
        name for name in hashes.keys() | result["files"].keys() if hashes.get(name) != result["files"].get(name)
    )
    listed = ", ".join(os.fsencode(name).decode(errors="replace") for name in changed) or "its files"
    yield f"is not what was graded ({listed} changed): run `classroom grade`"


def _in_gradebook(url, assignment, results):
    """What the gradebook says differently."""
    try:
        marks = gradebook.marks(url, assignment)
    except ClassroomError as error:
        yield str(error)
        return
    for learner in sorted(results.keys() - marks.keys()):
        yield f"the gradebook has nothing of {learner}: run `classroom grade`"
    for learner in sorted(marks.keys() - results.keys()):
        yield f"the gradebook has {learner}, who has no result: run `classroom rebuild-gradebook`"
    for learner in sorted(marks.keys() & results.keys()):
        held, result = marks[learner].auto, results[learner]
        for task in result["tasks"]:
            key = task["notebook"], task["grade_id"]
            if key not in held or not _same(held[key], task["points"]):
                there = "nothing" if held.get(key) is None else f"{held[key]:g}"
                yield (
                    f"the gradebook has {there} for {task['grade_id']} of {learner}, the result {task['points']}: "
                    "run `classroom rebuild-gradebook`"
                )
        for _, grade_id in sorted(held.keys() - {(task["notebook"], task["grade_id"]) for task in result["tasks"]}):
            yield f"the gradebook has {grade_id} of {learner}, the result does not: run `classroom rebuild-gradebook`"


def _shape(tasks):
    return [(task["notebook"], task["grade_id"], task["max_points"]) for task in tasks]


def _is_mark(points, possible):
    number = isinstance(points, int | float) and not isinstance(points, bool)
    return points is None or (number and 0 <= points <= possible + NEAR)


def _same(one, other):
    numbers = all(isinstance(value, int | float) for value in (one, other))
    return math.isclose(one, other, abs_tol=NEAR) if numbers else one is other
