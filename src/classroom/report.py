"""What came of an assignment: marks, tasks, and the known mistakes behind them; as a table, as JSON, as a picture."""

import math
import os
import statistics
from collections import Counter
from decimal import Decimal
from pathlib import Path

from classroom.archive import shown
from classroom.course import ClassroomError
from classroom.files import read_json, scratch
from classroom.results import WAITS, read_results

MANIFEST = "sample-class.json"  # of a class that a program made: what each of its learners should earn
TOLERANCE = 1e-6
MOST_BINS = 15
FULL, PARTLY, NONE, OPEN = "#0072b2", "#8fc6e8", "#d55e00", "#b0b0b0"  # told apart without seeing red or green
MOST_TASKS, MOST_MISTAKES = 40, 10


def report(class_dir, assignment):
    """Everything that is said of an assignment, as JSON has it.

    Marks that a regrade has called back count nowhere; points that wait for a person count as none yet.
    """
    class_dir = Path(class_dir)
    if not class_dir.is_dir():
        raise ClassroomError(f"there is no class folder {class_dir}")
    results, expected = read_results(class_dir, assignment), _expected(class_dir, assignment)
    if not results and not expected:
        raise ClassroomError(f"there are no results of '{assignment}' in {class_dir}: run `classroom grade` first")
    valid = [result for result in results if result["state"] != WAITS]
    found = {result["learner"]: result for result in results}
    rows = [_row(name, found.get(name), expected) for name in sorted({*found, *expected})]
    mistakes = Counter(name for result in valid for name in {t.get("mistake") for t in result["tasks"]} if name)
    return {
        "assignment": assignment,
        "learners": rows,
        "states": dict(Counter(row["state"] for row in rows)),
        "reasons": dict(Counter(row["reason"] for row in rows if row["reason"]).most_common()),
        "marks": _marks(valid),
        "tasks": _tasks(valid),
        "mistakes": [{"mistake": name, "learners": number} for name, number in _ranked(mistakes)],
    }


def disagreement(said):
    """One sentence that names every learner whose mark is not the expected one; empty if there is none."""
    rows = [row for row in said["learners"] if "expected" in row]
    wrong = [
        f"{row['learner']} has {'no mark' if row['total'] is None else format(row['total'], 'g')}"
        f" (expected {_number(row['expected'])})"
        for row in rows
        if not row["agrees"]
    ]
    return f"{len(wrong)} of {len(rows)} marks are not as expected: {', '.join(wrong)}" if wrong else ""


def _expected(class_dir, assignment):
    """{learner: expected mark} of a made-up class; empty for a real one."""
    path = class_dir / MANIFEST
    manifest = read_json(path) if path.exists() else {"assignment": None}
    try:
        if manifest["assignment"] != assignment:
            return {}
        return {name: float(entry["expected"]) for name, entry in manifest["learners"].items()}
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ClassroomError(f"{path} is not a manifest of a sample class: {type(error).__name__}: {error}") from error


def _row(learner, result, expected):
    result = result or {"tasks": [], "total": None, "max": None, "state": "not graded", "reason": ""}
    row = {"learner": learner, **{key: result[key] for key in ("total", "max", "state", "reason", "tasks")}}
    if row["state"] == WAITS:
        row["total"] = None
    if expected:
        row["expected"] = expected.get(learner)
        row["agrees"] = None not in (row["total"], row["expected"]) and (
            abs(row["total"] - row["expected"]) <= TOLERANCE
        )
    return row


def _marks(results):
    totals, most = [result["total"] for result in results], max((result["max"] for result in results), default=0.0)
    if not totals:
        return {"graded": 0}
    return {
        "graded": len(totals),
        "max": most,
        "mean": statistics.fmean(totals),
        "median": statistics.median(totals),
        "lowest": min(totals),
        "highest": max(totals),
        "histogram": _histogram(totals, most),
    }


def _histogram(totals, most):
    """Learners in steps of 1, 2 or 5 times a power of ten points; whoever has all the points is counted apart."""
    steps = (Decimal(digit).scaleb(power) for power in range(-6, 9) for digit in (1, 2, 5))
    step = next(float(step) for step in steps if most / float(step) <= MOST_BINS)
    edges = [step * n for n in range(math.ceil(most / step - TOLERANCE))]
    counts = Counter(
        len(edges) if total >= most - TOLERANCE else max(0, int(total / step + TOLERANCE)) for total in totals
    )
    bins = [*zip(edges, [*edges[1:], most], strict=True)] if edges else []
    return [{"from": start, "to": end, "learners": counts[n]} for n, (start, end) in enumerate([*bins, (most, most)])]


def _tasks(results):
    """One entry a task, in the order of the assignment."""
    tasks = {}
    for result in results:
        for task in result["tasks"]:
            tasks.setdefault((task["notebook"], task["grade_id"]), []).append(task)
    return [_task(name, rows) for name, rows in tasks.items()]


def _task(name, rows):
    points = [row["points"] for row in rows if row["points"] is not None]
    most = rows[-1]["max_points"]
    full, none = sum(p >= most - TOLERANCE for p in points), sum(p <= 0 < most for p in points)
    mistakes = Counter(row.get("mistake") for row in rows if row.get("mistake"))
    return {
        "notebook": name[0],
        "grade_id": name[1],
        "max_points": most,
        "mean": statistics.fmean(points) if points else None,
        "full": full,
        "partly": len(points) - full - none,
        "none": none,
        "open": len(rows) - len(points),
        "mistakes": dict(_ranked(mistakes)),
    }


def _ranked(counter):
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def show(said, console):
    """Print the tables; tasks are numbered columns of the first and lines of the second, which fits a terminal."""
    _show_learners(said, console)
    for row in said["learners"]:
        if row["reason"]:
            console.print(f"{row['learner']}: {shown(row['reason'], 500)}")
    _show_tasks(said, console)
    marks = said["marks"]
    if not marks["graded"]:
        return
    console.print(
        f"{marks['graded']} graded: on average {marks['mean']:.4g} of {marks['max']:g}, median {marks['median']:g}, "
        f"from {marks['lowest']:g} to {marks['highest']:g}"
    )
    for part in marks["histogram"]:
        bar = "#" * round(40 * part["learners"] / max(p["learners"] for p in marks["histogram"]))
        points = f"{part['from']:>6g} to {part['to']:<6g}" if part["from"] < part["to"] else f"{'all':>6}{'':10}"
        console.print(f"{points} {part['learners']:>5}  {bar}".rstrip())
    for state, number in said["states"].items():
        console.print(f"{number:>5}  {state}")


def _table(console, *columns):
    from rich import box
    from rich.table import Table

    table = Table(box=box.ROUNDED if console.is_terminal else box.ASCII)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _show_learners(said, console):
    tasks = [(task["notebook"], task["grade_id"]) for task in said["tasks"]]
    compares = any("expected" in row for row in said["learners"])
    columns = [("learner", "left"), *((str(n), "right") for n, _ in enumerate(tasks, start=1)), ("total", "right")]
    table = _table(console, *columns, *([("expected", "right")] if compares else []), ("state", "left"))
    for row in said["learners"]:
        tasks_of_row = row["tasks"] if row["total"] is not None else []
        points = {(t["notebook"], t["grade_id"]): t["points"] for t in tasks_of_row}
        cells = [row["learner"], *(_number(points.get(task)) for task in tasks), _number(row["total"])]
        fine = row.get("agrees", True)
        if compares:
            cells.append(f"{_number(row['expected'])}{'' if fine else ' !'}")
        table.add_row(*cells, row["state"], style=None if fine else "bold red")
    console.print(table)


def _show_tasks(said, console):
    left = [(name, "left") for name in ("task", "most frequent mistakes")]
    right = [(name, "right") for name in ("points", "average", "full", "partly", "none", "open")]
    table = _table(console, ("", "right"), left[0], *right, left[1])
    for number, task in enumerate(said["tasks"], start=1):
        mistakes = list(task["mistakes"].items())[:3]
        table.add_row(
            str(number),
            task["grade_id"],
            f"{task['max_points']:g}",
            "-" if task["mean"] is None else f"{task['mean']:.2f}",
            *(str(task[key]) for key in ("full", "partly", "none", "open")),
            "; ".join(f"{shown(name)} ({count})" for name, count in mistakes),
        )
    console.print(table)


def _number(value):
    return "-" if value is None else f"{value:g}"


def picture(said, path):
    """Draw marks, tasks and mistakes into an .svg or .png file; the same report gives the same bytes."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise ClassroomError(f"{path} must end in .svg or .png")
    if not said["marks"]["graded"]:
        raise ClassroomError(f"nothing of '{said['assignment']}' is graded: there is nothing to draw")
    import matplotlib
    from matplotlib.figure import Figure

    look = {
        "svg.hashsalt": "classroom",
        "font.family": "DejaVu Sans",
        "font.size": 13,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 15,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
    }
    tasks = sorted(said["tasks"], key=lambda task: (-task["none"], -task["partly"]))[:MOST_TASKS]
    mistakes = said["mistakes"][:MOST_MISTAKES]
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **look}):
        figure = Figure(figsize=(16, max(9, 2.2 + 0.42 * len(tasks))), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
        grid = figure.add_gridspec(2, 2, width_ratios=[5, 6], height_ratios=[1, 0.25 + 0.09 * len(mistakes)])
        _draw_marks(figure.add_subplot(grid[0, 0] if mistakes else grid[:, 0]), said["marks"])
        if mistakes:
            _draw_mistakes(figure.add_subplot(grid[1, 0]), mistakes)
        _draw_tasks(figure, figure.add_subplot(grid[:, 1]), tasks, len(said["tasks"]))
        figure.suptitle(_title(said), x=0.01, ha="left", fontsize=20)
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch(".picture-", path.parent) as workplace:
            metadata = {".svg": {"Date": None}, ".png": {"Software": None}}[kind]
            figure.savefig(workplace / path.name, dpi=120, metadata=metadata)
            os.replace(workplace / path.name, path)


def _title(said):
    marks, left_out = said["marks"], len(said["learners"]) - said["marks"]["graded"]
    learners = f"{marks['graded']} learner{'' if marks['graded'] == 1 else 's'}"
    title = f"{_short(said['assignment'])}: {learners}, on average {marks['mean']:.3g} of {marks['max']:g} points"
    return f"{title} ({left_out} not graded yet)" if left_out else title


def _draw_marks(axes, marks):
    bins = marks["histogram"]
    last = len(bins) - 1
    axes.bar(range(len(bins)), [part["learners"] for part in bins], 0.92, color=FULL, align="edge")
    step = bins[0]["to"] - bins[0]["from"]
    median = marks["median"] / step if marks["median"] < marks["max"] else last + 0.46
    axes.axvline(median, color="black", linestyle="--", linewidth=1.5)
    right = median > 0.6 * last
    axes.annotate(
        f"median {marks['median']:g}",
        (median, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if right else 6, -2),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom",
    )
    axes.set(title="Marks\n", xlabel="points", ylabel="learners", xlim=(-0.1, last + 1))
    every = range(0, last, 1 if last <= 10 else 2)
    axes.set_xticks([*every, last + 0.46], [*(f"{bins[n]['from']:g}" for n in every), "all"])
    _count_in_whole_learners(axes.yaxis)


def _draw_tasks(figure, axes, tasks, in_all):
    left = [0.0] * len(tasks)
    parts = [("none", "no points", NONE), ("partly", "some", PARTLY), ("full", "all points", FULL)]
    parts += [("open", "waits for a person", OPEN)] if any(task["open"] for task in tasks) else []
    for key, label, colour in parts:
        shares = [100 * task[key] / sum(task[part] for part, _, _ in parts) for task in tasks]
        bars = axes.barh(range(len(tasks)), shares, left=left, color=colour, label=label, height=0.78)
        for n, (bar, share) in enumerate(zip(bars, shares, strict=True)):
            if share >= 6:  # wide enough for the number
                dark = key in ("none", "full")
                place = (left[n] + share / 2, bar.get_y() + bar.get_height() / 2)
                colour = "white" if dark else "black"
                axes.annotate(str(tasks[n][key]), place, ha="center", va="center", color=colour)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    axes.set_yticks(range(len(tasks)), [_short(task["grade_id"]) for task in tasks])
    axes.set(xlim=(0, 100), xlabel="% of learners", ylim=(max(len(tasks), 8) - 0.4, -0.6))
    some = f" ({len(tasks)} of {in_all})" if len(tasks) < in_all else ""
    axes.set_title(f"Tasks, the most failed first{some}\n")
    figure.legend(loc="outside lower right", ncols=4, frameon=False, handlelength=1)


def _draw_mistakes(axes, mistakes):
    numbers = [mistake["learners"] for mistake in mistakes]
    bars = axes.barh(range(len(mistakes)), numbers, color=NONE, height=0.7)
    axes.bar_label(bars, padding=4)
    axes.set_yticks(range(len(mistakes)), [_short(mistake["mistake"]) for mistake in mistakes])
    axes.set(title="Known mistakes", xlabel="learners", xlim=(0, 1.1 * max(numbers)))
    axes.set_ylim(max(len(mistakes), 4) - 0.4, -0.6)
    _count_in_whole_learners(axes.xaxis)


def _count_in_whole_learners(axis):
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))


def _short(text, limit=40):
    return shown(text, limit).replace("$", r"\$")  # matplotlib takes what is between dollars for mathematics
