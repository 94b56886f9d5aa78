"""Calling nbgrader: one converter, one assignment, quietly, with the error it logs as a Python exception."""

import logging
from copy import deepcopy

from nbgrader.coursedir import CourseDirectory

from classroom.course import ClassroomError


class StockError(Exception):
    """nbgrader stopped; the message is the last error that it logged."""


class _Errors(logging.Handler):
    """Keeps the errors that a converter logs, so that the reason can be told."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())

    def reason(self):
        """The last line of the last traceback, if there is one; else the last error."""
        for text in reversed(self.lines):
            if text.lstrip().startswith("Traceback"):
                return text.strip().splitlines()[-1]
        return self.lines[-1] if self.lines else ""


def configure(course, assignment, **directories):
    """The course's configuration, with the folders of this run in place of its own.

    Args:
        course: the Course.
        assignment: name of the one assignment.
        directories: traits of nbgrader's CourseDirectory: root, db_url, submitted_directory, ... A folder that is
            read must be relative to root: nbgrader takes an absolute one for a regular expression.
    """
    config = deepcopy(course.config)
    folders = {
        "root": course.root,
        "source_directory": course.source.relative_to(course.root),
        "directory_structure": "{nbgrader_step}/{student_id}/{assignment_id}",
        "assignment_id": assignment,
        **directories,
    }
    if any(character in str(folders["root"]) for character in "*?["):  # nbgrader makes glob patterns of it
        raise ClassroomError(f"rename the folder {folders['root']}: nbgrader cannot work in a path with *, ? or [")
    for name, value in folders.items():
        config.CourseDirectory[name] = str(value)
    return config


def convert(converter, config):
    """Run a converter to its end and return it; raises StockError."""
    log = logging.Logger("classroom.nbgrader")  # not in the logging tree: nothing of it reaches the terminal
    errors = _Errors()
    log.addHandler(errors)
    coursedir = CourseDirectory(config=config, log=log)
    step = converter(coursedir=coursedir, config=config, log=log)
    try:
        step.start()
    except Exception as error:
        raise StockError(errors.reason() or f"{type(error).__name__}: {error}") from error
    return step
