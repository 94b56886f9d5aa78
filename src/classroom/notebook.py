"""Reading a notebook that somebody else wrote, with one sentence for everything that can be wrong with it."""

import json
import warnings
from copy import deepcopy
from pathlib import Path

from classroom.course import ClassroomError

MAX_BYTES = 20_000_000


def read_notebook(path):
    """The notebook as nbformat's node in format 4.5; raises ClassroomError."""
    import nbformat.reader

    path = Path(path)
    if not path.is_file():
        raise ClassroomError(f"{path.name} is not a file: name a notebook that ends in .ipynb")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ClassroomError(
            f"{path.name} is too large ({size / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f} MB): "
            "clear its outputs and save it again"
        )
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClassroomError(f"{path.name} is not JSON: save it again from Jupyter") from error
    if not isinstance(content, dict) or "nbformat" not in content:
        raise ClassroomError(f"{path.name} is JSON but not a notebook: save it from Jupyter, as .ipynb")
    if content["nbformat"] != 4:
        raise ClassroomError(
            f"{path.name} has notebook format {content['nbformat']}, only 4 can be graded: "
            "convert it with `jupyter nbconvert --to notebook`"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about cell ids, which older notebooks lack
            notebook = nbformat.reader.reads(text)
            if notebook.nbformat_minor < 5:
                notebook = nbformat.v4.upgrade(notebook, from_minor=notebook.nbformat_minor)
            nbformat.validate(notebook, relax_add_props=True)
    except Exception as error:
        # A ValidationError's text goes on with the whole schema: the first line is what is wrong.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClassroomError(f"{path.name} is not a valid notebook ({first}): save it again from Jupyter") from error
    return notebook


def grade_id(cell):
    """The name of an nbgrader cell; None for every other cell."""
    grading = cell.metadata.get("nbgrader")
    name = grading.get("grade_id") if isinstance(grading, dict) else None
    return name if isinstance(name, str) else None


def restore(notebook, released):
    """Put the released cells in place of a learner's copies of them; only the text of the answers is the learner's.

    So a cell that was edited, retyped, or copied with its grade id does no harm: of copies the first counts, and
    grading metadata that the assignment does not know is dropped.
    """
    known = {grade_id(cell): cell for cell in released.cells if grade_id(cell)}
    for index, cell in enumerate(notebook.cells):
        original = known.pop(grade_id(cell), None)
        if original is None:
            cell.metadata.pop("nbgrader", None)
        else:
            notebook.cells[index] = deepcopy(original)
            if original.metadata.nbgrader.get("solution"):
                notebook.cells[index].source = cell.source
