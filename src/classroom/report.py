"""A class's marks as one table, beside what the manifest of the sample class expects."""

from pathlib import Path

from classroom.files import read_json
from classroom.sample import load_sample

TOLERANCE = 1e-6


def collect(assignment, class_dir):
    """One row a learner of the manifest: learner, tasks, total, max, expected, state, reason, agrees."""
    rows = []
    for submission in load_sample(Path(class_dir), assignment).values():
        result = read_json(Path(class_dir) / "results" / submission.learner / f"{assignment}.json") or {}
        total = result.get("total")
        rows.append(
            {
                "learner": submission.learner,
                "tasks": result.get("tasks", []),
                "total": total,
                "max": result.get("max"),
                "expected": submission.expected,
                "state": result.get("state", "not graded"),
                "reason": result.get("reason", ""),
                "agrees": total is not None and abs(total - submission.expected) <= TOLERANCE,
            }
        )
    return rows


def disagreement(rows):
    """One sentence that names every learner whose mark is not the expected one; empty if there is none."""
    wrong = [
        f"{row['learner']} has {'no mark' if row['total'] is None else format(row['total'], 'g')}"
        f" (expected {row['expected']:g})"
        for row in rows
        if not row["agrees"]
    ]
    return f"{len(wrong)} of {len(rows)} marks are not as expected: {', '.join(wrong)}" if wrong else ""


def show(rows, console):
    """Print the table; tasks are numbered columns with a legend under it, so that it fits a terminal."""
    from rich import box
    from rich.table import Table

    tasks = next((row["tasks"] for row in rows if row["tasks"]), [])
    table = Table(box=box.ROUNDED if console.is_terminal else box.ASCII)
    table.add_column("learner", overflow="fold")
    for number, _ in enumerate(tasks, start=1):
        table.add_column(str(number), justify="right")
    table.add_column("total", justify="right")
    table.add_column("expected", justify="right")
    table.add_column("state", overflow="fold")
    for row in rows:
        points = {(t["notebook"], t["grade_id"]): t["points"] for t in row["tasks"]}
        table.add_row(
            row["learner"],
            *[_number(points.get((t["notebook"], t["grade_id"]))) for t in tasks],
            _number(row["total"]),
            f"{row['expected']:g}" if row["agrees"] else f"{row['expected']:g} !",
            row["state"],
            style=None if row["agrees"] else "bold red",
        )
    console.print(table)
    for number, task in enumerate(tasks, start=1):
        console.print(f"{number:>3}  {task['grade_id']} ({task['max_points']:g})", highlight=False, markup=False)
    for row in rows:
        if row["reason"]:
            console.print(f"{row['learner']}: {row['reason']}", highlight=False, markup=False)


def _number(value):
    return "-" if value is None else f"{value:g}"
