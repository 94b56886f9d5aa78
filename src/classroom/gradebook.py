"""The nbgrader gradebook of a class. The result files are the truth; the gradebook can be made again from them."""

import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment
from sqlalchemy.exc import DatabaseError, SAWarning

from classroom.course import ClassroomError
from classroom.stock import StockError, configure, convert


def url(path):
    return f"sqlite:///{path}"


def prepare(course, assignment, path, workplace):
    """Put the assignment's source into the gradebook at `path`, making the gradebook if there is none.

    nbgrader refuses a source whose cells differ from those that submissions were graded with. The assignment's
    old rows are dropped then: grading fills them again.
    """
    config = configure(course, assignment, release_directory=workplace / "release", db_url=url(path))
    config.GenerateAssignment.force = True
    with _opened(path):  # which tells in one sentence when the file is not a gradebook
        pass
    try:
        convert(GenerateAssignment, config)
    except StockError as error:
        if "submissions associated with" not in str(error):
            raise ClassroomError(f"{course.source / assignment} cannot be graded with: {error}") from error
        with _opened(path) as gradebook:
            gradebook.remove_assignment(assignment)
        convert(GenerateAssignment, config)


def record(path, result):
    """Write a result's marks into the gradebook; marks that a person gave stay."""
    assignment, learner = result["assignment"], result["learner"]
    with _opened(path) as gradebook:
        gradebook.update_or_create_student(learner)
        submission = gradebook.update_or_create_submission(assignment, learner)
        for task in result["tasks"]:
            grade = gradebook.find_grade(task["grade_id"], task["notebook"], assignment, learner)
            grade.auto_score = task["points"]
            grade.needs_manual_grade = task["points"] is None or grade.manual_score is not None
        if not result["executed"]:
            for notebook in submission.notebooks:
                for comment in notebook.comments:
                    comment.auto_comment = result["reason"]
        gradebook.db.commit()


def has(path, assignment, learner):
    """Whether the gradebook holds a submission."""
    with _opened(path) as gradebook:
        try:
            gradebook.find_submission(assignment, learner)
        except MissingEntry:
            return False
    return True


@contextmanager
def _opened(path):
    # A new gradebook calls the command `alembic`, which lies beside Python and need not be on the path.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    try:
        with warnings.catch_warnings(), Gradebook(url(path)) as gradebook:
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own way of adding a submission
            yield gradebook
    except DatabaseError as error:
        raise ClassroomError(
            f"the gradebook {path} cannot be used ({error.orig}): move it away and grade again, "
            "it is filled from the results"
        ) from error
