"""Pages that tell a learner what each task earned and why, from the result, the executed notebook and the gradebook.

Whatever learners wrote or printed passes through `safe`. The hidden part of a test is never shown, nor what a hidden
test printed; its message is. Whoever's notebook could not be run gets a page too, with the reason.
"""

import ast
import re
import shutil
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from urllib.parse import quote

from classroom import gradebook, safe
from classroom.course import ClassroomError, notebooks_in
from classroom.files import write_text
from classroom.gradebook import Marks
from classroom.notebook import grade_id, read_notebook
from classroom.page import points, render
from classroom.results import QUARANTINED, WAITS, read_results

REGRADING = "These marks are not valid now: the submission is being graded again."
TELLING = 12  # a line of a hidden test that is shorter, such as a bracket, gives nothing away
WITHHELD = "(not shown: it quotes a hidden test)"
PAGE_TEXT, PAGE_PICTURES = 400_000, 12_000_000  # characters of a page that learners may fill
HEADING = re.compile(r"#{1,6} ")
LOOKS = {QUARANTINED: "quarantined", WAITS: "invalid"}


def feedback(course, assignment, class_dir, db_url=None):
    """Write DIR/feedback/LEARNER/ASSIGNMENT/NOTEBOOK.html for every result, and an index; returns its path."""
    class_dir = Path(class_dir).resolve()
    url = gradebook.url_of(class_dir, db_url)
    results = read_results(class_dir)
    own = [result for result in results if result["assignment"] == assignment]
    if not own:
        raise ClassroomError(f"there are no results of '{assignment}' in {class_dir}: run `classroom grade` first")
    if gradebook.marks(url, assignment):
        gradebook.fill(url, own, course)  # penalties follow the scores that people gave meanwhile
    marks = {name: gradebook.marks(url, name) for name in sorted({result["assignment"] for result in results})}
    regions = hidden_regions(course)
    sources = [read_notebook(path).cells for path in notebooks_in(course.source / assignment)]
    secrets = secrets_of(chain(*sources), regions)
    top = class_dir / "feedback"
    for result in own:
        folder = top / result["learner"] / assignment
        names = {task["notebook"] for task in result["tasks"]}
        for name in sorted(names):
            page = view(result, name, _marks(marks, result), _executed(class_dir, result, name), regions, secrets)
            write_text(folder / f"{name}.html", render("learner", **page))
        _remove_others(folder, names)
    for folder in top.glob(f"*/{assignment}"):
        if folder.parent.name not in {result["learner"] for result in own}:
            shutil.rmtree(folder)
    rows = [_row(result, _marks(marks, result), top) for result in results]
    assignments = [(name, list(group)) for name, group in groupby(rows, key=lambda row: row["assignment"])]
    write_text(top / "index.html", render("index", assignments=assignments))
    return top / "index.html"


def _marks(marks, result):
    return marks[result["assignment"]].get(result["learner"]) or Marks()


def _executed(class_dir, result, name):
    """The executed notebook, None if there is none, or the sentence that says why it cannot be shown."""
    if not result["executed"]:
        return None
    try:
        return read_notebook(class_dir / "autograded" / result["learner"] / result["assignment"] / f"{name}.ipynb")
    except ClassroomError as error:
        return f"The executed notebook cannot be shown: {error}"


def _remove_others(folder, names):
    for path in folder.glob("*.html"):
        if path.stem not in names:
            path.unlink()


def view(result, name, marks, executed, regions, secrets=()):
    """What the page of one notebook shows, as the template takes it."""
    notebook = None if isinstance(executed, str) else executed
    cells = notebook.cells if notebook else []
    secrets = {*secrets, *secrets_of(cells, regions)}
    shown = {grade_id(cell) for cell in cells}
    tasks = {}
    for task in result["tasks"]:
        if task["notebook"] == name:
            tasks[task["grade_id"]] = _task(task, marks, len(tasks) + 1, task["grade_id"] in shown, secrets)
    penalty = marks.penalties.get(name, 0.0)
    score = sum(task["score"] for task in tasks.values()) - penalty
    notices = [REGRADING if result["state"] == WAITS else result["reason"], executed if notebook is None else ""]
    return {
        **{key: safe.visible(result[key]) for key in ("learner", "assignment", "state")},
        "notebook": safe.visible(name),
        "look": LOOKS.get(result["state"], ""),
        "handed_in": _moment(result["timestamp"]),
        "notice": safe.visible("\n".join(filter(None, notices))),
        "score": score,
        "max": sum(task["max_points"] for task in tasks.values()),
        "penalty": penalty,
        "waiting": sum(task["look"] == "wait" for task in tasks.values()),
        "tasks": list(tasks.values()),
        "set_aside": [[safe.visible(text) for text in pair] for pair in result.get("set_aside", [])],
        "cells": _within_page(_cell(cell, tasks, marks, name, regions, secrets) for cell in cells),
    }


def _task(task, marks, number, shown, secrets):
    key = (task["notebook"], task["grade_id"])
    waits = task["points"] is None and key not in marks.manual
    score = marks.manual.get(key, task["points"] or 0.0) + marks.extra.get(key, 0.0)
    words = f"{points(score)} of {points(task['max_points'])}"
    by_hand = key in marks.manual
    message = safe.visible(task["message"])
    return {
        "grade_id": safe.visible(task["grade_id"]),
        "number": number,
        "shown": shown,
        "score": score,
        "max_points": task["max_points"],
        "words": "waits for a grader" if waits else f"{words}, given by a person" if by_hand else words,
        "look": "wait" if waits else _look(score, task["max_points"]),
        "message": "" if task["points"] is None else WITHHELD if _quotes(message, secrets) else message,
        "comment": "" if shown else safe.visible(marks.comments.get(key, "")),
    }


def _look(score, most):
    return "full" if score >= most else "part" if score > 0 else "none"


def _cell(cell, tasks, marks, name, regions, secrets):
    """What is shown of a cell. Of a test: the text that was released, its message, and what a visible one printed."""
    own = grade_id(cell)
    task = tasks.get(own)
    is_test = _is_test(cell)
    source = released(cell.source, regions) if is_test or _is_task(cell) else cell.source
    if cell.cell_type == "markdown" and not own:  # of the assignment's own text, the heading is enough
        source = next((line for line in source.splitlines() if HEADING.match(line)), "")
    outputs = [
        (kind, WITHHELD if kind != "picture" and _quotes(content, secrets) else content)
        for kind, content in safe.outputs(cell)
        if not is_test or (source == cell.source and kind == "text")
    ]
    return {
        "task": task,
        "text": safe.markdown(source, cell.get("attachments")) if cell.cell_type == "markdown" else "",
        "code": safe.code(source) if cell.cell_type == "code" and source.strip() else "",
        "outputs": outputs,
        "note": safe.visible(cell.metadata.get("classroom", {}).get("note", "")),
        "comment": safe.visible(marks.comments.get((name, own), "")),
    }


def _within_page(cells):
    """The cells, until the page has become as large as it may."""
    text, pictures, kept = 0, 0, []
    for cell in cells:
        text += len(cell["text"]) + len(cell["code"])
        for kind, content in cell["outputs"]:
            text, pictures = (text, pictures + len(content)) if kind == "picture" else (text + len(content), pictures)
        if text > PAGE_TEXT or pictures > PAGE_PICTURES:
            cell = {**cell, "text": "", "code": "", "outputs": [("text", "(not shown: the page is full)")]}
        kept.append(cell)
    return kept


# What of the source learners may see ----------------------------------------------------------------------------------


def hidden_regions(course):
    """The pairs of lines between which nbgrader takes text out of what it releases, as the course configures them."""
    tests, schemes = (course.config.get(name, {}) for name in ("ClearHiddenTests", "ClearMarkScheme"))
    return [
        (
            tests.get("begin_test_delimeter", "BEGIN HIDDEN TESTS"),
            tests.get("end_test_delimeter", "END HIDDEN TESTS"),
        ),
        (
            schemes.get("begin_mark_scheme_delimeter", "BEGIN MARK SCHEME"),
            schemes.get("end_mark_scheme_delimeter", "END MARK SCHEME"),
        ),
    ]


def _split(source, regions):
    """(lines that are released, lines that are hidden); a region that does not end hides all that follows."""
    kept, hidden, end = [], [], None
    for line in source.split("\n"):
        begun = next((last for first, last in regions if first in line), None)
        if end is None and begun is None:
            kept.append(line)
        elif end is None:
            end = begun
        elif end in line:
            end = None
        else:
            hidden.append(line)
    return kept, hidden


def secrets_of(cells, regions):
    """What must not be quoted: the telling lines of all hidden tests."""
    return [line for cell in cells if _is_test(cell) for line in hidden_lines(cell.source, regions)]


def released(source, regions):
    """A test as learners were given it."""
    return "\n".join(_split(source, regions)[0])


def hidden_lines(source, regions):
    """The lines of a hidden test that would give it away. What a string of it says, it says on purpose."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        nodes = []
    said = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    lines = {line.strip() for line in _split(source, regions)[1]}
    return [line for line in sorted(lines) if len(line) >= TELLING and not any(line in text for text in said)]


def _quotes(text, secrets):
    flat = " ".join(text.split())
    return any(" ".join(line.split()) in flat for line in secrets)


def _is_test(cell):
    grading = cell.metadata.get("nbgrader", {})
    ours = bool(grading.get("grade") or grading.get("locked")) and not grading.get("solution")
    return cell.cell_type == "code" and ours


def _is_task(cell):
    return bool(cell.metadata.get("nbgrader", {}).get("task"))


# The instructor's list ------------------------------------------------------------------------------------------------


def _row(result, marks, top):
    tasks = [_task(task, marks, 0, False, []) for task in result["tasks"]]
    score = sum(task["score"] for task in tasks) - sum(marks.penalties.values())
    pages = sorted((top / result["learner"] / result["assignment"]).glob("*.html"))
    return {
        **{key: safe.visible(result[key]) for key in ("learner", "assignment", "state", "reason")},
        "look": "wait" if result["state"] == WAITS else _look(score, result["max"]),
        "score": score,
        "max": result["max"],
        "waiting": sum(task["look"] == "wait" for task in tasks),
        "tasks": len(tasks),
        "pages": [(safe.visible(path.stem), quote(path.relative_to(top).as_posix())) for path in pages],
    }


def _moment(timestamp):
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
