"""One submission through nbgrader's autograde, in a process of its own that may be killed at any time."""

import os
from pathlib import Path

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    Execute,
    IgnorePattern,
    LimitOutput,
    SaveAutoGrades,
)

from classroom.course import Course, notebooks_in
from classroom.files import write_json
from classroom.marks import is_test, mark_test
from classroom.notebook import grade_id, read_notebook
from classroom.stock import StockError, configure, convert


class Run(Execute):
    """Execute that says in which cell the notebook came to its end."""

    stopped = None  # why, once it has; a class attribute, since a process grades one submission

    def preprocess_cell(self, cell, resources, index):
        try:
            return super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, CellTimeoutError) as error:
            where = f"cell {index + 1}" + (f" ({grade_id(cell)})" if grade_id(cell) else "")
            if isinstance(error, DeadKernelError):
                Run.stopped = (
                    f"the Python process died in {where}: the code ended it, crashed it or used too much memory"
                )
            else:
                Run.stopped = f"{where} did not stop within {self.timeout} s, not even when interrupted"
            raise


class SaveMarks(SaveAutoGrades):
    """SaveAutoGrades with this package's rule for what a cell is worth."""

    def _add_score(self, cell, resources):
        grade = self.gradebook.find_grade(grade_id(cell), self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score, _ = mark(cell)
        grade.needs_manual_grade = grade.auto_score is None or grade.manual_score is not None
        self.gradebook.db.commit()


def mark(cell):
    """(points, message) of an executed graded cell; points are None where a person has to decide."""
    if is_test(cell):
        return mark_test(cell)
    points, _ = utils.determine_grade(cell)
    return points, "no answer" if points == 0 else "waits for a grader"


def autograde(job):
    """Grade one submission and write what came of it to job["outcome"].

    Args:
        job: course, assignment, learner, workplace (a folder with submitted/), db_url, cell_seconds, outcome.

    The outcome is {"tasks": {notebook: {grade_id: [points, message]}}, "slow": [cells that ran out of time]},
    or {"stopped": why the notebook did not reach its end}, or {"error": why nbgrader could not grade it}.
    """
    workplace = Path(job["workplace"])
    os.environ.update(CLASSROOM_GRADING="1", IPYTHONDIR=str(workplace / "ipython"))
    course = Course(Path(job["course"]))
    config = configure(
        course,
        job["assignment"],
        root=workplace,
        source_directory=course.source,
        db_url=job["db_url"],
        student_id=job["learner"],
        submitted_directory="submitted",
        autograded_directory="autograded",
    )
    config.Execute.timeout = job["cell_seconds"]
    config.Execute.error_on_timeout = {
        "ename": "CellTimeoutError",
        "evalue": f"the cell ran longer than {job['cell_seconds']} s and was stopped",
        "traceback": [],
    }
    config.Autograde.autograde_preprocessors = [
        Run,
        IgnorePattern,
        ClearMetadataPreprocessor,
        LimitOutput,
        SaveMarks,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
    try:
        convert(Autograde, config)
        outcome = _collect(workplace / "autograded" / job["learner"] / job["assignment"])
    except StockError as error:
        outcome = {"stopped": Run.stopped} if Run.stopped else {"error": str(error)}
    write_json(job["outcome"], outcome)


def _collect(folder):
    tasks, slow = {}, []
    for path in notebooks_in(folder):
        cells = read_notebook(path).cells
        tasks[path.stem] = {grade_id(cell): list(mark(cell)) for cell in cells if utils.is_grade(cell)}
        for number, cell in enumerate(cells, start=1):
            if any(output.get("ename") == "CellTimeoutError" for output in cell.get("outputs", [])):
                slow.append(grade_id(cell) or f"cell {number}")
    return {"tasks": tasks, "slow": slow}
