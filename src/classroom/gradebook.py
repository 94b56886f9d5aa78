"""The nbgrader gradebook of a class, at any SQLAlchemy URL. The result files are the truth; it is filled from them.

Importing nbgrader takes seconds, so its tables are read and filled through SQLAlchemy alone. nbgrader itself makes the
tables, says what the cells of a changed source are, and sets late penalties.
"""

import functools
import math
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from classroom.course import ClassroomError
from classroom.database import (
    COLUMNS,
    PATIENCE,
    T,
    check_whole,
    exists,
    file_of,
    file_url,
    has_tables,
    kind_of,
    opened,
    sentence,
    shown,
)
from classroom.files import scratch, sync_directory
from classroom.marks import plain
from classroom.results import WAITS, read_results

MANY = 1000  # learners that a query names one by one; of more, it reads the whole assignment


@dataclass
class Cells:
    """What the gradebook knows of an assignment."""

    id: str
    duedate: datetime | None
    notebooks: dict  # {name: id}
    graded: dict  # {(notebook, grade_id): id} of the cells that earn points
    answers: dict  # {(notebook, grade_id): id} of the cells that take a comment


@dataclass
class Submission:
    """What the gradebook holds of a submission, by the ids of notebooks and cells."""

    id: str
    timestamp: datetime | None = None
    extension: object = None
    notebooks: dict = field(default_factory=dict)  # {id of the notebook: row}
    grades: dict = field(default_factory=dict)  # {id of the cell: row}
    comments: dict = field(default_factory=dict)  # {id of the cell: row}
    is_new: bool = False


def url_of(class_dir, given=None):
    """The SQLAlchemy URL of a class's gradebook: the one given, else an SQLite file in the class folder."""
    if not given:
        return file_url(Path(class_dir).resolve() / "gradebook.db")
    try:
        url = sa.make_url(given)
    except sa.exc.ArgumentError as error:
        raise ClassroomError(f"'{given}' is not a database URL: write one as postgresql://user@host/name") from error
    if url.get_backend_name() != "sqlite":
        return url.render_as_string(hide_password=False)
    if url.database in (None, "", ":memory:"):
        raise ClassroomError("a gradebook in memory would be lost: name a file, as sqlite:////path/to/gradebook.db")
    return file_url(Path(url.database).resolve())


def prepare(course, assignment, url, workplace):
    """Make the gradebook hold the cells of an assignment's source, in one transaction.

    What people gave (scores, comments, extensions, the due date) stays for every cell that is still there; rows of
    cells that are gone are dropped. When nothing changed, nothing is written and nbgrader is not even imported.
    """
    from classroom import cells

    with opened(url, new=True) as engine:
        check_whole(engine)
        if not has_tables(engine):
            cells.make_tables(engine)
        with engine.connect() as connection:
            if cells.held(connection, assignment) == cells.of_source(course, assignment):
                return
        cells.merge(engine, course, assignment, cells.generate(course, assignment, workplace))


def fill(url, results, course=None):
    """Write what results say and the gradebook does not; returns how many submissions were written.

    One transaction a submission. Scores and comments that a person gave stay. Without a course, late penalties stay
    as they are, since the course's configuration says how much is lost.
    """
    late_rule = course and functools.cache(lambda: _late_rule(course))
    changed = 0
    with opened(url) as engine:
        for assignment in sorted({result["assignment"] for result in results}):
            group = {r["learner"]: r for r in results if r["assignment"] == assignment}
            written, clashes = _fill(engine, assignment, group, late_rule)
            changed += written
            if clashes:  # another program added the same rows meanwhile: now they are there
                written, clashes = _fill(engine, assignment, clashes, late_rule)
                changed += written
            if clashes:
                raise ClassroomError(f"the gradebook {shown(url)} is filled by another program: run this again")
    return changed


def _fill(engine, assignment, group, late_rule):
    """(number written, {learner: result} of those that clashed with what another program wrote)."""
    with engine.connect() as connection:
        cells = _cells(connection, assignment)
        if cells is None:
            raise ClassroomError(
                f"the gradebook {shown(engine.url)} does not know '{assignment}': run `classroom rebuild-gradebook`"
            )
        students = _students(connection, list(group))
        rows = _submissions(connection, cells.id, list(group))
    written, clashes = 0, {}
    for learner in sorted(group):
        steps = [] if learner in students else [(sa.insert(T.student), [{"id": learner}])]
        row = rows.get(learner) or Submission(uuid4().hex, is_new=True)
        steps += _differences(cells, row, group[learner], late_rule)
        if not steps:
            continue
        try:
            with engine.begin() as connection:
                for statement, values in steps:
                    connection.execute(statement, values)
            written += 1
        except sa.exc.IntegrityError:
            clashes[learner] = group[learner]
    return written, clashes


def flag(url, assignment, learners):
    """A regrade begins: every grade of these submissions is marked as waiting for a person, until `fill` says more."""
    if not exists(url):
        return
    with opened(url) as engine:
        if not has_tables(engine):
            return
        with engine.begin() as connection:
            cells = _cells(connection, assignment)
            if cells is None:
                return
            found = _submissions(connection, cells.id, list(learners))
            rows = [row for learner in set(learners) & found.keys() for row in found[learner].notebooks.values()]
            if rows:
                statement = sa.update(T.grade).where(T.grade.c.notebook_id == sa.bindparam("row"))
                connection.execute(statement.values(needs_manual_grade=True), [{"row": row.id} for row in rows])


@dataclass
class Marks:
    """What the gradebook says of one submission, by (notebook, grade_id); penalties by notebook."""

    auto: dict = field(default_factory=dict)
    manual: dict = field(default_factory=dict)  # what a person gave, where one did
    extra: dict = field(default_factory=dict)  # extra credit, where there is some
    waiting: set = field(default_factory=set)  # what waits for a person
    comments: dict = field(default_factory=dict)  # what a person wrote, where one did
    penalties: dict = field(default_factory=dict)  # points lost by being late, where some are

    def score(self, task):
        """The points of a task: a person's before the grader's, with extra credit."""
        return (self.manual.get(task, self.auto.get(task)) or 0.0) + self.extra.get(task, 0.0)


def marks(url, assignment):
    """{learner: Marks} of an assignment; empty where there is no gradebook, or it does not know the assignment."""
    if not exists(url):
        return {}
    with opened(url) as engine, engine.connect() as connection:
        cells = _cells(connection, assignment) if has_tables(engine) else None
        if cells is None:
            return {}
        rows = _submissions(connection, cells.id)
    return {learner: _marks(cells, row) for learner, row in rows.items()}


def rebuild(course, class_dir, url):
    """Fill a new gradebook from every result of a class; returns the number of submissions.

    An SQLite file that is there is kept as gradebook.db.TIMESTAMP, and the new one takes its place in one step. On a
    database server, the old tables are kept as copies whose names end in the timestamp. What people gave (scores,
    comments, due dates, extensions) is taken over, unless the old gradebook cannot be read.
    """
    class_dir = Path(class_dir).resolve()
    results = read_results(class_dir)
    if not results:
        raise ClassroomError(f"there are no results in {class_dir}: run `classroom grade` first")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    file = file_of(url)
    if file is None:
        _keep_copies(url, stamp)
        with scratch(".gradebook-", class_dir) as workplace:
            _refill(course, results, url, workplace)
        return len(results)
    with scratch(".gradebook-", file.parent) as workplace:
        new = workplace / file.name
        _copy_if_whole(url, new)
        _refill(course, results, file_url(new), workplace)
        if file.exists():
            _keep(file, file.with_name(f"{file.name}.{stamp}"))
        os.replace(new, file)
        sync_directory(file.parent)
    return len(results)


def _refill(course, results, url, workplace):
    from classroom import cells

    known = course.assignments()
    for assignment in sorted({result["assignment"] for result in results}):
        if assignment in known:
            prepare(course, assignment, url, workplace)
            continue
        with opened(url, new=True) as engine:
            if not has_tables(engine):
                cells.make_tables(engine)
            cells.merge(engine, course, assignment, cells.of_results(assignment, results))
    with opened(url) as engine, engine.begin() as connection:
        _drop_others(connection, {(result["assignment"], result["learner"]) for result in results})
    fill(url, results, course)


def _drop_others(connection, keep):
    """Remove the submissions that have no result."""
    s, a = T.submitted_assignment, T.assignment
    query = sa.select(s.c.id, a.c.name, s.c.student_id).join_from(s, a, s.c.assignment_id == a.c.id)
    gone = [{"row": row.id} for row in connection.execute(query) if (row.name, row.student_id) not in keep]
    if gone:
        inside = sa.select(T.submitted_notebook.c.id).where(
            T.submitted_notebook.c.assignment_id == sa.bindparam("row", type_=sa.String)
        )
        connection.execute(sa.delete(T.grade).where(T.grade.c.notebook_id.in_(inside)), gone)
        connection.execute(sa.delete(T.comment).where(T.comment.c.notebook_id.in_(inside)), gone)
        for table, column in (T.submitted_notebook, "assignment_id"), (s, "id"):
            connection.execute(sa.delete(table).where(table.c[column] == sa.bindparam("row")), gone)


def _copy_if_whole(url, target):
    """Copy an SQLite gradebook, unless there is none or it is damaged. One that is locked is an error."""
    if not exists(url):
        return
    with closing(sqlite3.connect(file_of(url), timeout=PATIENCE)) as old, closing(sqlite3.connect(target)) as new:
        try:
            if old.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                old.backup(new)
        except sqlite3.Error as error:
            if kind_of(error) != "damaged":
                raise ClassroomError(sentence(url, error)) from error


def _keep(file, aside):
    """Give a file a second name, so that it stays when another takes its first one."""
    try:
        os.link(file, aside)
    except OSError:  # a file system without hard links
        shutil.copy2(file, aside)


def _keep_copies(url, stamp):
    """Copy the rows that rebuilding may change into tables of their own."""
    suffix = "".join(filter(str.isalnum, stamp)).lower()
    with opened(url, new=True) as engine:
        if not has_tables(engine):
            return
        with engine.begin() as connection:
            for name in COLUMNS:
                connection.execute(sa.text(f"CREATE TABLE {name}_{suffix} AS SELECT * FROM {name}"))


def _cells(connection, assignment):
    """The Cells of an assignment; None if the gradebook does not know it."""
    found = connection.execute(
        sa.select(T.assignment.c.id, T.assignment.c.duedate).where(T.assignment.c.name == assignment)
    ).first()
    if found is None:
        return None
    n, b = T.notebook, T.base_cell
    query = sa.select(n.c.name, n.c.id, b.c.name, b.c.id, b.c.type).outerjoin_from(n, b, b.c.notebook_id == n.c.id)
    cells = Cells(found.id, found.duedate, {}, {}, {})
    for notebook, notebook_id, name, cell_id, kind in connection.execute(query.where(n.c.assignment_id == found.id)):
        cells.notebooks[notebook] = notebook_id
        if kind in ("GradeCell", "TaskCell"):
            cells.graded[notebook, name] = cell_id
        if kind in ("SolutionCell", "TaskCell"):
            cells.answers[notebook, name] = cell_id
    return cells


def _students(connection, learners):
    query = sa.select(T.student.c.id)
    return set(connection.scalars(query.where(T.student.c.id.in_(learners)) if len(learners) <= MANY else query))


def _submissions(connection, assignment_id, learners=None):
    """{learner: Submission} of an assignment, in four queries. What is added between them is left out as a whole."""
    s, n = T.submitted_assignment, T.submitted_notebook
    wanted = s.c.assignment_id == assignment_id
    if learners is not None and len(learners) <= MANY:
        wanted &= s.c.student_id.in_(learners)
    found, owners = {}, {}
    query = sa.select(s.c.id, s.c.student_id, s.c.timestamp, s.c.extension).where(wanted)
    for row in connection.execute(query):
        found[row.student_id] = owners[row.id] = Submission(row.id, row.timestamp, row.extension)
    for row in connection.execute(sa.select(n).join(s, s.c.id == n.c.assignment_id).where(wanted)):
        if row.assignment_id in owners:
            owners[row.assignment_id].notebooks[row.notebook_id] = row
            owners[row.id] = owners[row.assignment_id]
    for table, attribute in (T.grade, "grades"), (T.comment, "comments"):
        within = table.join(n, n.c.id == table.c.notebook_id).join(s, s.c.id == n.c.assignment_id)
        for row in connection.execute(sa.select(table).select_from(within).where(wanted)):
            if row.notebook_id in owners:
                getattr(owners[row.notebook_id], attribute)[row.cell_id] = row
    return found


def _differences(cells, row, result, late_rule):
    """The statements that make a submission's rows say what its result says: [(statement, values)]."""
    timestamp = _moment(result)
    inserts = {table: [] for table in (T.submitted_assignment, T.submitted_notebook, T.grade, T.comment)}
    updates = {table: [] for table in inserts}
    if row.is_new:
        inserts[T.submitted_assignment].append(
            {"id": row.id, "assignment_id": cells.id, "student_id": result["learner"], "timestamp": timestamp}
        )
    elif row.timestamp != timestamp:
        updates[T.submitted_assignment].append({"row": row.id, "timestamp": timestamp})

    tasks = {(task["notebook"], task["grade_id"]): task for task in result["tasks"]}
    stale = result["state"] == WAITS or not tasks.keys() <= cells.graded.keys()  # of another version of the source
    late = _seconds_late(cells, row, timestamp)
    for name, notebook_id in cells.notebooks.items():
        held = row.notebooks.get(notebook_id)
        own = held.id if held else uuid4().hex
        score = 0.0
        for (notebook, grade_id), cell_id in cells.graded.items():
            if notebook != name:
                continue
            points = _points(result, tasks.get((notebook, grade_id)))
            old = row.grades.get(cell_id)
            new = {"auto_score": points, "needs_manual_grade": stale or _waits(points, old)}
            score += _score(points, old)
            if old is None:
                inserts[T.grade].append({"id": uuid4().hex, "notebook_id": own, "cell_id": cell_id, **new})
            elif (old.auto_score, bool(old.needs_manual_grade)) != (*new.values(),):
                updates[T.grade].append({"row": old.id, **new})
        for (notebook, grade_id), cell_id in cells.answers.items():
            if notebook != name:
                continue
            new = {"auto_comment": _comment(result, tasks.get((notebook, grade_id)))}
            old = row.comments.get(cell_id)
            if old is None:
                inserts[T.comment].append({"id": uuid4().hex, "notebook_id": own, "cell_id": cell_id, **new})
            elif old.auto_comment != new["auto_comment"]:
                updates[T.comment].append({"row": old.id, **new})
        penalty = held.late_submission_penalty if held else None
        if late_rule:
            penalty = _penalty(late_rule, result, score, late) if late > 0 else None
        new = {"late_submission_penalty": penalty}
        if held is None:
            values = {"id": own, "assignment_id": row.id, "notebook_id": notebook_id, "flagged": False, **new}
            inserts[T.submitted_notebook].append(values)
        elif held.late_submission_penalty != penalty:
            updates[T.submitted_notebook].append({"row": held.id, **new})

    steps = [(sa.insert(table), values) for table, values in inserts.items() if values]
    for table, values in updates.items():
        if values:
            new = {column: sa.bindparam(column, type_=table.c[column].type) for column in values[0] if column != "row"}
            steps.append((sa.update(table).where(table.c.id == sa.bindparam("row")).values(**new), values))
    return steps


def _waits(points, old):
    """Whether a grade waits for a person. As in nbgrader: when there is no score, or one was given for another mark."""
    if old is None or old.manual_score is None:
        return points is None
    return bool(old.needs_manual_grade) or old.auto_score != points


def _score(points, old):
    """nbgrader's Grade.score."""
    given = points if old is None or old.manual_score is None else old.manual_score
    return 0.0 if given is None else given + ((old.extra_credit if old else None) or 0.0)


def _points(result, task):
    points = task["points"] if task else None
    if points is None:
        return None
    if not isinstance(points, int | float) or not 0 <= points < math.inf:
        raise ClassroomError(
            f"the result of {result['learner']} gives {task['grade_id']} {points} points: grade it again with --regrade"
        )
    return float(points)


def _comment(result, task):
    """What the grader says beside an answer: why nothing of it was run, or why a written answer earned nothing."""
    text = (
        result["reason"] if not result["executed"] else task["message"] if task and task["points"] is not None else ""
    )
    return plain(text) or None


def _moment(result):
    """When it was handed in, as nbgrader stores it: UTC without saying so."""
    if not result["timestamp"]:
        return None
    try:
        moment = datetime.fromisoformat(result["timestamp"])
    except ValueError as error:
        raise ClassroomError(
            f"the result of {result['learner']} has the timestamp '{result['timestamp']}', which is not a time: "
            "grade it again with --regrade"
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _seconds_late(cells, row, timestamp):
    if timestamp is None or cells.duedate is None:
        return 0
    due = cells.duedate + row.extension if row.extension is not None else cells.duedate
    return max(0, (timestamp - due).total_seconds())


def _late_rule(course):
    """nbgrader's plugin for late submissions, as the course configures it."""
    from nbgrader.preprocessors import AssignLatePenalties

    step = AssignLatePenalties(config=course.config)
    step.init_plugin()
    return step.plugin_inst


def _penalty(late_rule, result, score, late):
    """What being late costs, between nothing and the score."""
    try:
        penalty = late_rule().late_submission_penalty(result["learner"], score, late)
        if penalty is None:
            return None
        penalty = float(penalty)
    except Exception as error:
        raise ClassroomError(
            f"the plugin for late submissions failed on {result['learner']} ({type(error).__name__}: {error}): "
            "mend AssignLatePenalties.plugin_class in nbgrader_config.py"
        ) from error
    if math.isnan(penalty):
        raise ClassroomError(f"the course's plugin for late submissions gives {result['learner']} no number: mend it")
    return min(max(penalty, 0.0), score)


def _marks(cells, row):
    found = Marks()
    for task, cell_id in cells.graded.items():
        grade = row.grades.get(cell_id)
        if grade is None:
            found.waiting.add(task)
            continue
        found.auto[task] = grade.auto_score
        if grade.manual_score is not None:
            found.manual[task] = grade.manual_score
        if grade.extra_credit:
            found.extra[task] = grade.extra_credit
        if grade.needs_manual_grade:
            found.waiting.add(task)
    for answer, cell_id in cells.answers.items():
        comment = row.comments.get(cell_id)
        if comment is not None and comment.manual_comment:
            found.comments[answer] = comment.manual_comment
    for name, notebook_id in cells.notebooks.items():
        notebook = row.notebooks.get(notebook_id)
        if notebook is not None and notebook.late_submission_penalty:
            found.penalties[name] = notebook.late_submission_penalty
    return found
