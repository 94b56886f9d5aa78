"""The marks of an assignment as CSV: nbgrader's, or what Canvas and Moodle import.

Marks come from the gradebook, so they include what people gave and what being late costs. A mark that does not stand
(it is being graded again, or waits for a person) is left empty and named in a note.
"""

import csv
import io
import re
from pathlib import Path
from types import SimpleNamespace

from classroom import gradebook
from classroom.course import ClassroomError
from classroom.database import opened
from classroom.files import scratch
from classroom.results import WAITS, read_results

FORMATS = ("nbgrader", "canvas", "moodle")
FORMULA = "=+-@\t\r"  # what makes a spreadsheet program run a cell
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def export(course, class_dir, assignment, to, roster=None, url=None, column=None):
    """(CSV text, notes): a line a learner.

    Args:
        course: says what being late costs.
        class_dir: the class.
        assignment: its name.
        to: one of FORMATS.
        roster: Roster with the names that the platform knows; for nbgrader it may be None.
        url: of the gradebook, by default the class's own.
        column: what the platform calls the assignment, by default as here.
    """
    class_dir, url = Path(class_dir), gradebook.url_of(class_dir, url)
    if not class_dir.is_dir():
        raise ClassroomError(f"there is no class folder {class_dir}")
    if to not in FORMATS:
        raise ClassroomError(f"marks cannot be written for '{to}': there are {', '.join(FORMATS)}")
    if roster is None and to != "nbgrader":
        raise ClassroomError(f"{to} knows learners by other names: give them with --roster")
    results = read_results(class_dir, assignment)
    if not results:
        raise ClassroomError(f"there are no results of '{assignment}' in {class_dir}: run `classroom grade` first")
    if not gradebook.marks(url, assignment):
        raise ClassroomError(f"the gradebook knows no marks of '{assignment}': run `classroom rebuild-gradebook`")
    gradebook.fill(url, results, course)  # penalties follow the scores that people gave meanwhile
    scores, notes = _scores(class_dir, assignment, results, gradebook.marks(url, assignment))
    people = roster.people if roster else []
    strangers = sorted({result["learner"] for result in results} - {person.learner for person in people})
    if to == "nbgrader":
        rows = _nbgrader(assignment, people, scores, url)
    else:
        notes += [f"{learner} is not in the roster: left out" for learner in strangers]
        form = {"canvas": _canvas, "moodle": _moodle}[to]
        rows = form(column or assignment, people, scores, max(result["max"] for result in results))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[harmless(cell) for cell in row] for row in rows])
    return out.getvalue(), notes


def harmless(cell):
    """A cell that no spreadsheet program takes for a formula."""
    text = str(cell)
    return f"'{text}" if text and text[0] in FORMULA and not NUMBER.fullmatch(text) else text


def _scores(class_dir, assignment, results, marks):
    """({learner: points that stand}, why others have none)."""
    scores, notes = {}, []
    for result in results:
        learner, held = result["learner"], marks.get(result["learner"])
        if result["state"] == WAITS:
            notes.append(f"{learner} is being graded again: run `classroom grade`")
        elif held.waiting:
            tasks = ", ".join(sorted(grade_id for _, grade_id in held.waiting))
            notes.append(f"{learner} waits for a person: {tasks}")
        else:
            total = sum(held.score(task) for task in held.auto)
            scores[learner] = max(0.0, total - sum(held.penalties.values()))
    graded = {result["learner"] for result in results}
    for folder in sorted(class_dir.glob(f"submitted/*/{assignment}")):
        if folder.parent.name not in graded:
            notes.append(f"{folder.parent.name} is not graded yet: run `classroom grade`")
    return scores, notes


def _points(scores, learner):
    return f"{round(scores[learner], 4):.10g}" if learner in scores else ""


def _canvas(column, people, scores, most):
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]
    yield ["    Points Possible", "", "", "", "", f"{most:.10g}"]
    for person in people:
        names = [person.name or person.id, person.canvas_id, person.sis_id, person.login or person.id, person.section]
        yield [*names, _points(scores, person.learner)]


def _moodle(column, people, scores, most):
    yield ["Identifier", "Full name", "ID number", "Email address", column]
    for person in people:
        identifier = f"Participant {person.moodle_id}" if person.moodle_id else ""
        number = person.sis_id or (person.id if person.id != person.email else "")
        yield [identifier, person.name, number, person.email, _points(scores, person.learner)]


def _nbgrader(assignment, people, scores, url):
    """What nbgrader's own exporter says, which gives zero to whoever has no mark: here they have none."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins.export import CsvExportPlugin

    with opened(url), Gradebook(url) as book, scratch("export-") as workplace:
        names = {student.id: student for student in book.students}
        names |= {person.learner: _Student(person) for person in people}
        # The exporter puts commas between whatever it is given, so it is given cells that are ready.
        students = [
            SimpleNamespace(
                id=name, **{key: _quoted(getattr(student, key)) for key in ("last_name", "first_name", "email")}
            )
            for name, student in sorted(names.items())
        ]
        view = SimpleNamespace(
            assignments=[book.find_assignment(assignment)], students=students, find_submission=book.find_submission
        )
        CsvExportPlugin(to=str(workplace / "grades.csv")).export(view)
        with open(workplace / "grades.csv", newline="") as file:
            rows = list(csv.DictReader(file))
    yield list(rows[0])
    for row in rows:
        if row["student_id"] not in scores:
            row.update(raw_score="", late_submission_penalty="", score="")
        yield list(row.values())


class _Student:
    def __init__(self, person):
        self.email = person.email
        last, comma, first = person.name.partition(",")
        self.last_name = last if comma else person.name.rpartition(" ")[2]
        self.first_name = first.strip() if comma else person.name.rpartition(" ")[0]


def _quoted(text):
    return '"{}"'.format((text or "").replace('"', '""'))
