"""Reading a notebook that somebody else wrote, with one sentence for everything that can be wrong with it."""

import json
import sys
import warnings
from copy import deepcopy
from pathlib import Path

from classroom.course import ClassroomError

# nbformat's jsonschema would spend two seconds on grammars of internet addresses, of which no notebook's format speaks.
_unneeded = sys.modules.setdefault("rfc3987_syntax", None)
import nbformat  # noqa: E402
from nbformat.corpus.words import generate_corpus_id  # noqa: E402

if _unneeded is None:
    del sys.modules["rfc3987_syntax"]

MAX_BYTES = 20_000_000
MAX_CELLS = 1000
KEYS = ("cell_type", "source", "metadata")


def read_notebook(path):
    """The notebook at a path as nbformat's node in format 4.5; raises ClassroomError."""
    path = Path(path)
    if not path.is_file():
        raise ClassroomError(f"{path.name} is not a file: name a notebook that ends in .ipynb")
    with path.open("rb") as file:
        return parse_notebook(file.read(MAX_BYTES + 1), path.name)


def parse_notebook(content, name, whole=True):
    """The notebook in some bytes, in format 4.5; raises ClassroomError.

    Args:
        content: the bytes of a file.
        name: what to call it in a message.
        whole: False leaves of each cell its kind, text and grade id, which is all that grading reads of a submission,
            and takes time and memory for no more than that.
    """
    if len(content) > MAX_BYTES:
        raise ClassroomError(
            f"{name} is too large (at most {MAX_BYTES / 1e6:.0f} MB): clear its outputs and save it again"
        )
    try:
        content = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ClassroomError(f"{name} is not JSON: save it again from Jupyter") from error
    if not isinstance(content, dict) or "nbformat" not in content:
        raise ClassroomError(f"{name} is JSON but not a notebook: save it from Jupyter, as .ipynb")
    if content["nbformat"] != 4:
        raise ClassroomError(
            f"{name} has notebook format {str(content['nbformat'])[:20]}, only 4 can be graded: "
            "convert it with `jupyter nbconvert --to notebook`"
        )
    cells = content.get("cells")
    if isinstance(cells, list) and len(cells) > MAX_CELLS:
        raise ClassroomError(f"{name} has {len(cells)} cells, at most {MAX_CELLS} are read: delete what is not needed")
    try:
        if not whole:
            return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": _texts(cells)})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about cell ids, which older notebooks lack
            notebook = nbformat.reader.reads(json.dumps(content))
            if notebook.nbformat_minor < 5:
                notebook = nbformat.v4.upgrade(notebook, from_minor=notebook.nbformat_minor)
            nbformat.validate(notebook, relax_add_props=True)
    except Exception as error:
        # A ValidationError's text goes on with the whole schema: the first line is what is wrong.
        first = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise ClassroomError(f"{name} is not a valid notebook ({first}): save it again from Jupyter") from error
    return notebook


def _texts(cells):
    """Cells in format 4.4 with nothing in them but text and grade id; raises ValueError."""
    if not isinstance(cells, list):
        raise ValueError("it has no list of cells")
    kept = []
    for number, cell in enumerate(cells, 1):
        kind, source, metadata = (cell.get(key) if isinstance(cell, dict) else None for key in KEYS)
        if kind not in ("code", "markdown", "raw") or not isinstance(metadata, dict):
            raise ValueError(f"cell {number} is not a cell")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise ValueError(f"cell {number} has no text")
        grading = metadata.get("nbgrader")
        name = grading.get("grade_id") if isinstance(grading, dict) else None
        metadata = {"nbgrader": {"grade_id": name}} if isinstance(name, str) else {}
        shown = {"outputs": [], "execution_count": None} if kind == "code" else {}
        kept.append({"cell_type": kind, "source": source, "metadata": metadata, **shown})
    return kept


def code_cell(source):
    """A code cell with nothing but a text, as nbformat's own function makes it, which spends a millisecond on it."""
    shown = {"outputs": [], "execution_count": None}
    return nbformat.from_dict(
        {"id": generate_corpus_id(), "cell_type": "code", "metadata": {}, "source": source, **shown}
    )


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
