"""Is this computer ready to grade, and is every assignment fit to be graded?

The sandbox's self-test, then each assignment twice through the whole of grading: the reference solution must earn every
point that a machine gives, and the notebook as it is released none.
"""

import contextlib
import secrets
from dataclasses import replace

from classroom.course import notebooks_in
from classroom.examiner import Examiner, describe
from classroom.grade import DEFAULT_LIMITS
from classroom.marks import is_graded
from classroom.notebook import grade_id, read_notebook
from classroom.release import check_source

PATIENT = replace(DEFAULT_LIMITS, cell_seconds=120, notebook_seconds=600)


def verify_course(course, names=(), limits=PATIENT, tell=lambda done, total, text: None):
    """Sentences on what is wrong with the assignments, none if all is well.

    Args:
        course: the Course.
        names: of assignments; all if none is named.
        limits: Limits of each run.
        tell: called after each assignment.

    Raises:
        ClassroomError: with exit code 3, if the sandbox does not hold.
    """
    found = []
    names = course.choose(names)
    for done, name in enumerate(names, start=1):
        for notebook in notebooks_in(course.source / name):
            check_source(notebook)
        with contextlib.closing(Examiner(describe(course, name, limits, secrets.token_bytes(32)))) as examiner:
            layers = examiner.ready()
            problems = [f"{name}: {problem}" for problem in _problems(course, name, examiner)]
        found += problems
        verdict = f"{len(problems)} problems" if problems else "fit to be graded"
        tell(done, len(names), f"{name}: {verdict} (sandbox: {', '.join(layers)})")
    return found


def _problems(course, name, examiner):
    source = {path.name: path.read_bytes() for path in notebooks_in(course.source / name)}
    release = {path.name: path.read_bytes() for path in notebooks_in(course.release / name)}
    tests = _tests(course.source / name)
    marks, problem = _examine(examiner, source)
    problems = [f"the reference solution {problem}"] if problem else []
    for key, (possible, needs_files) in tests.items():
        points, message = marks.get(key, (0.0, "it did not run"))
        if points not in (None, possible) and not needs_files:
            problems.append(f"the reference solution has {points:g} of {possible:g} points in {key[1]}: {message}")
    if not release:
        return [*problems, "it is not released: run `classroom release`"]
    marks, problem = _examine(examiner, release)
    given = [f"the released notebook earns {p:g} points in {name}" for (_, name), (p, _) in marks.items() if p]
    return [*problems, *([f"the released notebook {problem}"] if problem else []), *given]


def _tests(folder):
    """{(notebook, name): (points, whether it reads a file that a run leaves)} of the graded cells of a source."""
    tests = {}
    for path in notebooks_in(folder):
        notebook = read_notebook(path)
        left = notebook.metadata.get("classroom", {}).get("hand_in", [])
        for cell in filter(is_graded, notebook.cells):
            needs_files = any(name in cell.source for name in left)
            tests[path.stem, grade_id(cell)] = (float(cell.metadata.nbgrader["points"]), needs_files)
    return tests


def _examine(examiner, files):
    """({(notebook, name): (points, message)}, what is wrong with the whole) of some notebooks, graded as a hand-in."""
    examiner.send("verify", files)
    outcome = examiner.receive()
    marks = {(m["notebook"], m["grade_id"]): (m["points"], m["message"]) for m in outcome["marks"]}
    return marks, "" if outcome["state"] == "graded" else f"is {outcome['state']}: {outcome['reason']}"
