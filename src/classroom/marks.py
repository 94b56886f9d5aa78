"""What an executed test cell is worth, in one place for the learner's check and for grading.

nbgrader's rule with its gaps closed. An error scores nothing; a last expression that is a number between 0 and the
cell's points is the mark; silence is full marks, and so is whatever was printed: progress bars and warnings cost
nothing. In nbgrader, output on stderr scores nothing, a last expression that is not a number, or is negative, scores
full marks, and one above the points stops the batch: here these last three score nothing.
"""

import math
import re

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
MESSAGE_LIMIT = 600


def mark_test(cell):
    """(points, message) of an executed test cell; the message is empty for full marks."""
    possible = float(cell.metadata["nbgrader"]["points"])
    message = failure(cell)
    if message:
        return 0.0, message
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    if not results:
        return possible, ""
    text = "".join(results[-1].data.get("text/plain", ""))
    try:
        points = float(text)
    except ValueError:
        points = math.nan
    if not 0 <= points <= possible:
        return 0.0, shorten(f"the test ended in {text}, which is not a mark between 0 and {possible:g}")
    return points, "" if points == possible else f"partly right: {points:g} of {possible:g} points"


def failure(cell):
    """Why an executed cell counts as failed, in plain text; empty if it does not."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    return error_text(errors[-1]) if errors else ""


def error_text(output):
    """The last lines of a traceback: the error's name and what it says."""
    said = plain(output.evalue).strip()
    return shorten(f"{output.ename}: {said}" if said else f"{output.ename} (it says nothing more)")


def plain(text):
    """Text without colours and other control characters."""
    return "".join(c for c in ANSI.sub("", text) if c in "\n\t" or c.isprintable())


def shorten(text):
    return text if len(text) <= MESSAGE_LIMIT else f"{text[: MESSAGE_LIMIT - 3]}..."


def is_test(cell):
    """Whether a cell is code that earns points when it runs without complaint."""
    grading = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and grading.get("grade") and not grading.get("solution"))


def is_graded(cell):
    """Whether a cell earns points, from a test or from a person."""
    grading = cell.metadata.get("nbgrader", {})
    return bool(grading.get("grade") or grading.get("task"))


def has_code(cell):
    """Whether anything is left of a test to run: released hidden tests are empty or comments."""
    return any(line.strip() and not line.strip().startswith("#") for line in cell.source.splitlines())
