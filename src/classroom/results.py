"""The result files of a class, DIR/results/LEARNER/ASSIGNMENT.json, one a submission: the truth about marks."""

import json
from pathlib import Path

from classroom.course import ClassroomError

GRADED, LIMITED, QUARANTINED = "graded", "graded with limits hit", "quarantined"
WAITS = "to be graded again"  # a regrade began and has not ended: the marks that are listed are not valid
STATES = (GRADED, LIMITED, QUARANTINED, WAITS)
KEYS = {"learner", "assignment", "files", "source", "state", "reason", "executed", "timestamp", "tasks", "total", "max"}
TASK_KEYS = {"notebook", "grade_id", "max_points", "points", "message"}


def read_results(class_dir, assignment="*"):
    """The results of an assignment (of all, if none is named), sorted by assignment and learner."""
    paths = Path(class_dir).glob(f"results/*/{assignment}.json")
    return [read_result(path) for path in sorted(paths, key=lambda path: (path.stem, path.parent.name))]


def read_result(path):
    """One result; raises ClassroomError if the file is not what grading writes."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
        whole = (
            result.keys() >= KEYS
            and all(task.keys() >= TASK_KEYS for task in result["tasks"])
            and (result["learner"], result["assignment"]) == (path.parent.name, path.stem)
        )
    except (ValueError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ClassroomError(f"{path} is not a result: delete it and grade {path.parent.name} again")
    return result


def _refuse(constant):
    raise ValueError(constant)  # NaN and infinity, which Python would take for JSON
