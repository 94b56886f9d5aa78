"""The cells of an assignment, as its source has them and as nbgrader's tables hold them."""

import json

import sqlalchemy as sa

from classroom.course import ClassroomError, notebooks_in
from classroom.files import scratch

SAME = ("max_score", "cell_type", "locked", "source", "checksum")  # what a cell is, besides its name and kind


def of_source(course, assignment):
    """{(notebook, grade_id, kind, points, cell type, text)} of a source. The text of an answer is not compared."""
    found = set()
    for path in notebooks_in(course.source / assignment):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            grading = cell["metadata"].get("nbgrader", {})
            grade, solution, task = (bool(grading.get(key)) for key in ("grade", "solution", "task"))
            locked = not solution and (grade or bool(grading.get("locked")))
            key, points, kind = (path.stem, grading.get("grade_id")), grading.get("points"), cell["cell_type"]
            if grade:
                found.add((*key, "GradeCell", points, kind, None))
            if solution:
                found.add((*key, "SolutionCell", None, None, None))
            if task:
                found.add((*key, "TaskCell", points, kind, None))
            if grade or solution or task or locked:
                found.add((*key, "source", None, kind, "".join(cell["source"]) if locked else None))
    return found


def held(connection, assignment):
    """The same of what a gradebook holds."""
    graded = """
        SELECT notebook.name, base_cell.name, base_cell.type, coalesce(grade_cells.max_score, task_cells.max_score),
               coalesce(grade_cells.cell_type, task_cells.cell_type), NULL
        FROM assignment JOIN notebook ON notebook.assignment_id = assignment.id
        JOIN base_cell ON base_cell.notebook_id = notebook.id
        LEFT JOIN grade_cells ON grade_cells.id = base_cell.id LEFT JOIN task_cells ON task_cells.id = base_cell.id
        WHERE assignment.name = :assignment"""
    texts = """
        SELECT notebook.name, source_cell.name, 'source', NULL, source_cell.cell_type,
               CASE WHEN source_cell.locked THEN source_cell.source END
        FROM assignment JOIN notebook ON notebook.assignment_id = assignment.id
        JOIN source_cell ON source_cell.notebook_id = notebook.id
        WHERE assignment.name = :assignment"""
    rows = [row for query in (graded, texts) for row in connection.execute(sa.text(query), {"assignment": assignment})]
    return {tuple(row) for row in rows}


def make_tables(engine):
    """Make nbgrader's tables, as `nbgrader.api.Gradebook` does, without calling a command for their version."""
    import nbgrader.dbutil
    from alembic.script import ScriptDirectory
    from nbgrader.api import Base

    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"))
        version = ScriptDirectory(nbgrader.dbutil.ALEMBIC_DIR).get_current_head()
        connection.execute(sa.text("INSERT INTO alembic_version (version_num) VALUES (:version)"), {"version": version})


def generate(course, assignment, workplace):
    """{notebook: (kernelspec, {(kind, name): values})}: what nbgrader's generate_assignment says of a source."""
    from nbgrader.api import Assignment
    from nbgrader.converters import GenerateAssignment
    from sqlalchemy.orm import Session

    from classroom.stock import StockError, configure, convert

    with scratch("cells-", workplace) as folder:  # and a gradebook of its own
        url = sa.URL.create("sqlite", database=str(folder / "gradebook.db")).render_as_string()
        config = configure(course, assignment, release_directory=folder / "release", db_url=url)
        engine = sa.create_engine(url)
        try:
            make_tables(engine)
            convert(GenerateAssignment, config)
            with Session(engine) as session:
                return {
                    notebook.name: (notebook.kernelspec, {_key(cell): _values(cell) for cell in _cells(notebook)})
                    for notebook in session.scalars(sa.select(Assignment)).one().notebooks
                }
        except StockError as error:
            raise ClassroomError(f"{course.source / assignment} cannot be graded with: {error}") from error
        finally:
            engine.dispose()


def of_results(assignment, results):
    """The same, as far as results tell, for an assignment whose source is gone."""
    from nbgrader.api import GradeCell

    notebooks = {}
    for result in sorted(results, key=lambda result: result["learner"]):
        for task in result["tasks"] if result["assignment"] == assignment else []:
            _, cells = notebooks.setdefault(task["notebook"], (None, {}))
            cells[GradeCell, task["grade_id"]] = {"max_score": task["max_points"], "cell_type": "code"}
    return notebooks


def merge(engine, course, assignment, notebooks):
    """Make a gradebook hold these cells of an assignment, in one transaction.

    Cells are told apart by notebook, kind and name, so what somebody gave for a cell stays with it. What belongs to
    cells that are gone is dropped.
    """
    from nbgrader.api import Assignment, Comment, Course, Grade, Notebook, SourceCell, SubmittedNotebook
    from sqlalchemy.orm import Session

    with Session(engine) as session, session.begin():

        def drop(table, column, row):
            session.execute(sa.delete(table).where(column == row.id))

        own = session.scalar(sa.select(Assignment).where(Assignment.name == assignment))
        if own is None:
            name = course.config.get("CourseDirectory", {}).get("course_id") or "default_course"
            own = Assignment(assignment, course_id=name)
            session.add_all([session.get(Course, name) or Course(id=name), own])
            session.flush()
        old_notebooks = {notebook.name: notebook for notebook in own.notebooks}
        for name, notebook in old_notebooks.items():
            new_cells = notebooks.get(name, (None, {}))[1]
            drop(SourceCell, SourceCell.notebook_id, notebook)
            for cell in notebook._base_cells:
                if _key(cell) not in new_cells:
                    drop(Grade, Grade.cell_id, cell)
                    drop(Comment, Comment.cell_id, cell)
                    session.delete(cell)
            if name not in notebooks:
                drop(SubmittedNotebook, SubmittedNotebook.notebook_id, notebook)
                session.delete(notebook)
        session.flush()
        session.expire_all()
        for name, (kernelspec, cells) in notebooks.items():
            notebook = old_notebooks.get(name)
            if notebook is None:
                session.add(notebook := Notebook(name=name, assignment_id=own.id))
            notebook.kernelspec = kernelspec
            session.flush()
            old_cells = {_key(cell): cell for cell in notebook._base_cells}
            for (kind, cell_name), values in cells.items():
                cell = old_cells.get((kind, cell_name)) or kind(name=cell_name, notebook_id=notebook.id)
                for key, value in values.items():
                    setattr(cell, key, value)
                session.add(cell)


def _cells(notebook):
    return [*notebook._base_cells, *notebook.source_cells]


def _key(cell):
    return type(cell), cell.name


def _values(cell):
    return {key: getattr(cell, key) for key in SAME if hasattr(cell, key)}
