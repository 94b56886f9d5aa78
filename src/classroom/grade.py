"""Marks for a class: one result file a submission, and a gradebook filled from them.

A submission always ends in a state: "graded", "graded with limits hit", or "quarantined" with a reason. Nothing that
a submission does stops the others. A run that was cut short goes on where it was, in any order and with any number of
workers, to the same marks.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from classroom import __version__
from classroom.course import SIMPLE_NAME, ClassroomError, Course, notebooks_in
from classroom.examiner import describe
from classroom.files import alone, read_json, scratch, sha256, write_json, write_text
from classroom.marks import is_graded, plain
from classroom.notebook import grade_id, read_notebook
from classroom.rebuild import TIMESTAMP, Rejected, digest, read_submission
from classroom.release import IGNORED, check_source
from classroom.results import QUARANTINED, WAITS
from classroom.sandbox import Limits, seen_in_jail

LEFTOVERS = (".grading-*", ".record-*", ".course.key-*", "results/*/.*")  # of a run that was killed
FILL_SECONDS = 5  # a result is on record at once, and in the gradebook after at most so long
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Grading:
    """What stays the same from one submission to the next."""

    course: Course
    assignment: str
    class_dir: Path
    limits: Limits
    unsafe: bool
    source: dict  # {file: sha256} of the source and of the library that judges
    tasks: list  # of {"notebook", "grade_id", "max_points"}
    key: bytes


def grade(
    course,
    assignment,
    class_dir,
    limits=DEFAULT_LIMITS,
    *,
    db_url=None,
    learners=(),
    regrade=False,
    workers=1,
    engine="local",
    scheduler=None,
    unsafe=False,
    tell=lambda done, total, result, skipped: None,
):
    """Grade every submission of a class, or those of some learners; returns the results, sorted by learner.

    Raises ClassroomError, with exit code 3 where the sandbox does not hold: then nothing was executed.
    """
    (assignment,) = course.choose([assignment])
    class_dir = Path(class_dir).resolve()
    if not (class_dir / "submitted").is_dir():
        raise ClassroomError(f"there is no folder {class_dir / 'submitted'}: run `classroom collect` first")
    if unsafe and os.environ.get("CI"):
        raise ClassroomError("--unsafe-no-sandbox is refused where CI is set: nobody is there to watch it", exit_code=3)
    for folder in (course.root, class_dir):
        if seen_in_jail(folder):
            raise ClassroomError(f"{folder} lies in {seen_in_jail(folder)}, which learners' code can read", exit_code=3)
    for notebook in notebooks_in(course.source / assignment):
        check_source(notebook)
    with alone(class_dir, f"something else is grading in {class_dir}: wait for it to end", *LEFTOVERS):
        grading = Grading(
            course,
            assignment,
            class_dir,
            limits,
            unsafe,
            source_hashes(course, assignment),
            source_tasks(course, assignment),
            course_key(class_dir),
        )
        try:
            return _grade(grading, db_url, learners, regrade, workers, engine, scheduler, tell)
        except OSError as error:
            where, what = error.filename or class_dir, error.strerror or error
            raise ClassroomError(f"{where}: {what}; what was graded is kept: mend this, then run it again") from error


def _grade(grading, db_url, learners, regrade, workers, engine, scheduler, tell):
    from classroom import gradebook
    from classroom.engines import engine_of

    course, assignment, class_dir = grading.course, grading.assignment, grading.class_dir
    url = gradebook.url_of(class_dir, db_url)
    with scratch(".grading-", class_dir) as workplace:
        gradebook.prepare(course, assignment, url, workplace)
    results, waiting = _sort(grading, submitters(class_dir, assignment, learners), regrade)
    gradebook.fill(url, list(results.values()), course)
    done, total = 0, len(results) + len(waiting)
    for result in sorted(results.values(), key=lambda result: result["learner"]):
        done += 1
        tell(done, total, result, True)
    gradebook.flag(url, assignment, waiting)
    for learner in waiting:
        _flag(grading, learner)
    if waiting:
        setup = describe(course, assignment, grading.limits, grading.key, grading.unsafe)
        with contextlib.closing(engine_of(engine, setup, min(workers, len(waiting)), scheduler)) as running:
            taken = {}  # {learner: files as they were examined, whatever becomes of them meanwhile}
            unfilled, filled = [], time.monotonic()

            def take(learner):
                taken[learner] = _read(grading, learner)
                return taken[learner]

            try:
                for learner, answer in running.examine(waiting, take):
                    result = _record(grading, learner, taken.pop(learner), answer, running.layers)
                    results[learner] = result
                    unfilled.append(result)
                    if time.monotonic() - filled > FILL_SECONDS:
                        ready, unfilled, filled = unfilled, [], time.monotonic()
                        gradebook.fill(url, ready, course)
                    done += 1
                    tell(done, total, result, False)
            finally:
                gradebook.fill(url, unfilled, course)
    return [results[learner] for learner in sorted(results)]


def submitters(class_dir, assignment, learners=()):
    """Names of the learners who handed something in, sorted; an unknown one among `learners` is an error."""
    there = sorted(p.name for p in (class_dir / "submitted").iterdir() if os.path.lexists(p / assignment))
    for name in learners:
        if name not in there:
            raise ClassroomError(f"{name} has handed in nothing for {assignment} in {class_dir / 'submitted'}")
    chosen = [name for name in there if name in learners] if learners else there
    for name in chosen:
        if not SIMPLE_NAME.fullmatch(name):
            raise ClassroomError(
                f"rename the folder {name!r} in {class_dir / 'submitted'}: only letters, digits, _ - ."
            )
    return chosen


def course_key(class_dir):
    """The secret that seeds the tests of a class; made at its first grading."""
    path = class_dir / "course.key"
    if not path.exists():
        write_text(path, secrets.token_hex(32) + "\n", mode=0o600)
    try:
        return bytes.fromhex(path.read_text().strip())
    except ValueError as error:
        raise ClassroomError(f"{path} is not a key: put the old one back, or delete it and regrade all") from error


def source_hashes(course, assignment):
    """{file: sha256} of what marks depend on besides the submission: the source, and as one the library that judges."""
    hashes = _hashes(course.source / assignment)
    for package in course.config.get("Classroom", {}).get("library", []):
        listed = json.dumps(_hashes(course.root / package))
        hashes[f"library {package}"] = hashlib.sha256(listed.encode()).hexdigest()
    return hashes


def _hashes(folder):
    inside = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {p.as_posix(): sha256(folder / p) for p in inside if not set(p.parts) & set(IGNORED)}


def source_tasks(course, assignment):
    """Every graded cell of the source, in order."""
    return [
        {"notebook": path.stem, "grade_id": grade_id(cell), "max_points": float(cell.metadata.nbgrader["points"])}
        for path in notebooks_in(course.source / assignment)
        for cell in read_notebook(path).cells
        if is_graded(cell)
    ]


def result_path(class_dir, learner, assignment):
    return Path(class_dir) / "results" / learner / f"{assignment}.json"


def _sort(grading, learners, regrade):
    """({learner: result that holds}, [learners to be graded])."""
    results, waiting = {}, []
    for learner in learners:
        result = read_json(result_path(grading.class_dir, learner, grading.assignment))
        if not regrade and _holds(grading, learner, result):
            results[learner] = result
        else:
            waiting.append(learner)
    return results, waiting


def _holds(grading, learner, result):
    if not isinstance(result, dict) or result.get("state") == WAITS or result.get("fault"):
        return False
    files = _read(grading, learner)
    return (
        result.get("submission") == (files if isinstance(files, str) else digest(files))
        and result.get("timestamp") == _timestamp(files)
        and result.get("source") == grading.source
        and result.get("limits") == vars(grading.limits)
        and result.get("grader") == __version__
        and (grading.unsafe or bool(result.get("layers")) or result.get("state") == QUARANTINED)
        and (not result.get("executed") or _executed(grading, learner).is_dir())
    )


def _folder(grading, learner):
    return grading.class_dir / "submitted" / learner / grading.assignment


def _executed(grading, learner):
    return grading.class_dir / "autograded" / learner / grading.assignment


def _read(grading, learner):
    """{file: bytes} of a submission, or the sentence that says why it cannot be graded."""
    try:
        return read_submission(_folder(grading, learner))
    except Rejected as reason:
        return str(reason)
    except (OSError, RecursionError) as error:  # a folder can be more than its reader; the next learner's is not
        return f"what was handed in cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"


def _flag(grading, learner):
    """What was graded before no longer holds, and says so until the new result takes its place."""
    path = result_path(grading.class_dir, learner, grading.assignment)
    result = read_json(path)
    if isinstance(result, dict) and result.get("state") != WAITS:
        write_json(path, {**result, "state": WAITS, "reason": "a new grading began and has not ended"})


def _record(grading, learner, files, answer, layers):
    """Write what came of a submission: first the executed notebook, then the result that vouches for it."""
    rejected, reason = isinstance(files, str), plain(answer["reason"])
    target = _executed(grading, learner)
    with scratch(".record-", grading.class_dir) as workplace:
        fresh = workplace / "new"
        for name, content in answer["notebooks"].items():
            write_text(fresh / name, content.decode())
        if target.exists():
            os.rename(target, workplace / "old")
        if answer["notebooks"]:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(fresh, target)
    shutil.rmtree(grading.class_dir / "feedback" / learner / grading.assignment, ignore_errors=True)
    marks = {(mark["notebook"], mark["grade_id"]): mark for mark in answer["marks"]}
    nothing = {"points": 0.0, "message": reason, "mistake": "", "seed": None}
    rows = []
    for task in grading.tasks:
        mark = marks.get((task["notebook"], task["grade_id"]), nothing)
        rows.append({**task, **{key: mark[key] for key in nothing}})
    result = {
        "learner": learner,
        "assignment": grading.assignment,
        "submission": files if rejected else digest(files),
        "files": {} if rejected else {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "source": grading.source,
        "grader": __version__,
        "nbgrader": version("nbgrader"),
        "limits": vars(grading.limits),
        "layers": layers,
        "state": answer["state"],
        "reason": reason,
        "fault": answer.get("fault", False),
        "executed": bool(answer["notebooks"]),
        "set_aside": answer["set_aside"],
        "timestamp": _timestamp(files),
        "tasks": rows,
        "total": sum(row["points"] or 0.0 for row in rows),
        "max": sum(row["max_points"] for row in rows),
        "seconds": answer.get("seconds", 0.0),
    }
    write_json(result_path(grading.class_dir, learner, grading.assignment), result)
    return result


def _timestamp(files):
    """When it was handed in, as ISO in UTC; "" if nobody wrote that down."""
    if isinstance(files, str) or TIMESTAMP not in files:
        return ""
    try:
        text = files[TIMESTAMP].decode().strip()
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return ""
