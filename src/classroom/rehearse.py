"""Running a learner's notebook the way grading will: a fresh kernel, the released tests, a copy of the folder."""

import os
import shutil
import subprocess
import time
from copy import deepcopy
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from classroom.course import ClassroomError
from classroom.files import scratch
from classroom.marks import failure, mark_test
from classroom.notebook import grade_id, restore
from classroom.precheck import Row, tests_of

MAX_FOLDER_BYTES = 500_000_000
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__")


def rehearse(original, mine, folder, cell_seconds, seconds, tell):
    """Run the visible tests on a copy of the learner's folder; returns a Row a test, and notes on other cells.

    Training is skipped as at grading (CLASSROOM_GRADING=1): what was trained before is read from its files.

    Args:
        original, mine: the released notebook and the learner's.
        folder: where the learner's notebook and its files lie; it is not altered.
        cell_seconds, seconds: time limits of a cell and of the whole.
        tell: called with (done, total, text) after each cell.
    """
    tests = tests_of(original)
    notebook = deepcopy(mine)
    restore(notebook, original)
    with scratch("rehearsal-") as workplace:
        copy = workplace / "notebook"
        _copy(folder, copy)
        kernel = original.metadata.get("kernelspec", {}).get("name", "python3")
        done, stopped = _run(notebook, kernel, copy, cell_seconds, seconds, tell)
    executed = {grade_id(cell): cell for cell in notebook.cells[:done]}
    there = {grade_id(cell) for cell in notebook.cells}
    rows = [_row(name, *test, executed, there, stopped) for name, test in tests.items()]
    notes = [
        f"cell {number} ended in an error: {failure(cell)}"
        for number, cell in enumerate(notebook.cells[:done], start=1)
        if grade_id(cell) not in tests and any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    return rows, notes


def _row(name, released, visible, executed, there, stopped):
    possible = float(released.metadata.nbgrader.points)
    if not visible:
        return Row(name, possible, 0.0, "hidden", "runs at grading")
    if name not in there:
        return Row(name, possible, 0.0, "missing", "the cell is not in the notebook")
    if name not in executed:
        return Row(name, possible, 0.0, "not reached", stopped)
    points, message = mark_test(executed[name])
    return Row(name, possible, points, "passed" if points == possible else "partly" if points else "failed", message)


def _run(notebook, kernel, folder, cell_seconds, seconds, tell):
    """Execute the cells in order; returns how many were reached and why no more, if so."""

    def executed(cell, cell_index, execute_reply):
        # nbclient does not put its own timeout into the cell, and the code may have swallowed the interrupt.
        content = execute_reply["content"]
        if content.get("ename") == "CellTimeoutError":
            cell.outputs.append(nbformat.v4.new_output("error", ename=content["ename"], evalue=content["evalue"]))

    client = NotebookClient(
        notebook,
        kernel_name=kernel,
        allow_errors=True,
        interrupt_on_timeout=True,
        on_cell_executed=executed,
        resources={"metadata": {"path": str(folder)}},
    )
    total, started = len(notebook.cells), time.monotonic()
    try:
        environment = {**os.environ, "CLASSROOM_GRADING": "1"}
        with client.setup_kernel(env=environment, stderr=subprocess.DEVNULL):  # the kernel's own log
            for index, cell in enumerate(notebook.cells):
                left = seconds - (time.monotonic() - started)
                if left <= 0:
                    return index, f"the notebook ran longer than {seconds} s"
                client.timeout = max(1, round(min(cell_seconds, left)))
                evalue = f"the cell ran longer than {client.timeout} s and was stopped"
                client.error_on_timeout = {"ename": "CellTimeoutError", "evalue": evalue, "traceback": []}
                try:
                    client.execute_cell(cell, index)
                except DeadKernelError:
                    return index, f"the Python process died in cell {index + 1}"
                except CellTimeoutError:
                    return index, f"cell {index + 1} did not stop within {client.timeout} s, not even when interrupted"
                tell(index + 1, total, "")
    except NoSuchKernel as error:
        raise ClassroomError(
            f"the Jupyter kernel '{error.name}' is not installed here: install the course's requirements"
        ) from error
    return total, ""


def _copy(folder, target):
    """Copy the learner's folder, unless it is so large that the notebook surely lies among other things."""
    size = 0
    for parent, directories, files in os.walk(folder):
        directories[:] = [name for name in directories if not name.startswith(".")]
        size += sum(os.lstat(os.path.join(parent, name)).st_size for name in files)
        if size > MAX_FOLDER_BYTES:
            raise ClassroomError(
                f"{folder} holds more than {MAX_FOLDER_BYTES / 1e6:.0f} MB: put the notebook and its files in a "
                "folder of their own"
            )
    shutil.copytree(Path(folder), target, symlinks=True, ignore=LEFT_BEHIND)
