"""A class of made-up learners, from perfect to hostile, built from an assignment's source notebook.

Grading them shows that the marks are right before the first real submission comes in. The class brings a manifest,
`sample-class.json`, with the hash of every file and the mark that each learner should get.
"""

import copy
import hashlib
import importlib
import json
import shutil
from pathlib import Path

import nbformat

from seq2bert.files import CourseError, write_atomically

SOLUTIONS = Path(__file__).parents[3] / "solutions"
STUB = "raise NotImplementedError"


def write_sample_class(assignment: str, out: Path) -> list[str]:
    """Write `out/submitted/LEARNER/ASSIGNMENT/...` and the manifest.

    Args:
        assignment: the slug, such as `03_seq2seq`.
        out: the class's folder, one for each assignment; submissions that it holds are replaced, grades stay.

    Returns:
        The learners' names.

    Raises:
        CourseError: there is no such assignment.
    """
    notebooks = sorted((SOLUTIONS / assignment).glob("*.ipynb")) if assignment else []
    if not notebooks:
        there_are = ", ".join(sorted(path.name for path in SOLUTIONS.glob("*/")))
        raise CourseError(f"there is no assignment {assignment!r} in {SOLUTIONS}; there are: {there_are}")
    check = importlib.import_module(f"seq2bert.checks.{assignment.split('_', 1)[1]}")
    source = nbformat.read(notebooks[0], as_version=4)
    manifest: dict = {"assignment": assignment, "learners": {}}
    scratch = out / ".submitted.new"
    shutil.rmtree(scratch, ignore_errors=True)
    for name, (cells, files, expected, about) in learners(check, source).items():
        contents = {notebooks[0].name: render(source, cells)} | files
        folder = scratch / name / assignment
        folder.mkdir(parents=True)
        for file, text in contents.items():
            (folder / file).write_text(text, encoding="utf-8")
        hashes = {file: hashlib.sha256(text.encode()).hexdigest() for file, text in contents.items()}
        manifest["learners"][name] = {"files": hashes, "expected": expected, "about": about}
    shutil.rmtree(out / "submitted", ignore_errors=True)
    scratch.rename(out / "submitted")
    text = json.dumps(manifest, indent=1) + "\n"
    write_atomically(out / "sample-class.json", lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return sorted(manifest["learners"])


def learners(check, source: nbformat.NotebookNode) -> dict[str, tuple[dict[str, str], dict[str, str], float, str]]:
    """Who is in the class: by name, changed cells, files handed in, the mark expected, and a description.

    A learner loses the points of the tasks that are wrong, and no other: the rest is graded whatever a cell does.
    """
    points = points_by_task(check, source)
    total = sum(points.values())
    files = check.files_to_hand_in()
    solved = {cell.id: cell.source for cell in source.cells if cell.id in check.TASKS}
    tests = {cell.id: cell.metadata.nbgrader.points for cell in source.cells if is_test(cell)}
    first, *_, last = check.TASKS
    half, unsolved = check.TASKS[: len(check.TASKS) // 2], check.TASKS[len(check.TASKS) // 2 :]
    middle = unsolved[0]
    borrowed, library = check.BORROWED

    def loses(task: str, cell: str, about: str) -> tuple[dict[str, str], dict[str, str], float, str]:
        return {task: cell}, files, total - points[task], f"{task} {about}"

    def does(task: str, statements: str, about: str) -> tuple[dict[str, str], dict[str, str], float, str]:
        return loses(task, replace_body(solved[task], statements), about)

    def stubs(tasks) -> dict[str, str]:
        return {task: replace_body(solved[task], STUB) for task in tasks}

    noise = "import sys\nimport warnings\n\nwarnings.warn('all is well')\nprint('step 1 of 2', file=sys.stderr)\n\n\n"
    claims = {cell: f"print('right')\n{worth}" for cell, worth in tests.items()}
    people = {
        "perfect": ({}, files, total, "everything right"),
        "blank": (stubs(check.TASKS), {}, 0.0, "handed in as released"),
        "half": (stubs(unsolved), {}, sum(points[t] for t in half), "half of the tasks, no experiment"),
        "noisy": ({first: noise + solved[first]}, files, total, "right, with warnings and notes on stderr"),
        "raises": does(middle, 'raise RuntimeError("something is odd")', "raises an error"),
        "endless": does(last, "while True:\n    pass", "never ends when it is called"),
        "killed": does(first, "import os\nos.kill(os.getpid(), 9)", "kills its process when it is called"),
        "exits": loses(first, f"import os\n\nos._exit(0)\n\n\n{solved[first]}", "ends its process as it is defined"),
        "borrows": loses(borrowed, library, "is taken from the course's library"),
        "rewrites": (stubs(check.TASKS) | claims, {}, 0.0, "no answers, but tests that claim all points"),
    }
    for name, (old, new, mistake) in check.WRONG_LEARNERS.items():
        task = next(task for task, text in solved.items() if old in text)
        people[name] = loses(task, solved[task].replace(old, new), f"has a known mistake: {mistake}")
    return people


def is_test(cell: nbformat.NotebookNode) -> bool:
    """Does the cell earn points?"""
    return cell.metadata.get("nbgrader", {}).get("grade", False)


def points_by_task(check, source: nbformat.NotebookNode) -> dict[str, float]:
    """Points of each task: of the test cells whose grade_id begins with its name; all others count as experiment."""
    points = dict.fromkeys((*check.TASKS, "experiment"), 0.0)
    for cell in source.cells:
        if is_test(cell):
            settings = cell.metadata.nbgrader
            task = next((t for t in check.TASKS if settings.grade_id.startswith(t)), "experiment")
            points[task] += settings.points
    return points


def replace_body(text: str, body: str) -> str:
    """Rewrite every stretch between BEGIN SOLUTION and END SOLUTION, keeping its indentation."""
    kept, inside = [], False
    for line in text.splitlines():
        if "### BEGIN SOLUTION" in line:
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + new for new in body.splitlines()]
            inside = True
        elif "### END SOLUTION" in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def render(source: nbformat.NotebookNode, cells: dict[str, str]) -> str:
    """The notebook that a learner hands in: no hidden tests, no solution marks, some cells rewritten."""
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        cell.source = cells.get(cell.id, cell.source)
        lines = cell.source.splitlines()
        if "### BEGIN HIDDEN TESTS" in cell.source:
            begin, end = (next(i for i, line in enumerate(lines) if mark in line) for mark in ("### BEGIN", "### END"))
            lines = lines[:begin] + lines[end + 1 :]
        cell.source = "\n".join(
            line for line in lines if "### BEGIN SOLUTION" not in line and "### END SOLUTION" not in line
        )
    return nbformat.writes(notebook) + "\n"
