"""A course of two small tasks, and a class of made-up learners, built in a temporary folder."""

import hashlib
import json
from pathlib import Path

SLUG, NAME = "01_sums", "sums"

CONFIG = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write your code here and delete this line")'}
"""

RIGHT_ADD = "def add(a, b):\n    return a + b"
RIGHT_SCALE = "def scale(xs, k):\n    return [k * x for x in xs]"
RIGHT = {"add": RIGHT_ADD, "scale": RIGHT_SCALE}


def code(cell_id, source, **grading):
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": cell_id, **grading}} if grading else {}
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": metadata,
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


def solution(cell_id, source):
    return code(cell_id, source, grade=False, solution=True, locked=False, task=False)


def test_cell(cell_id, points, source):
    return code(cell_id, source, grade=True, solution=False, locked=True, points=points, task=False)


test_cell.__test__ = False


def stubbed(head, body):
    return f"{head}\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"


def source_cells():
    hidden = "### BEGIN HIDDEN TESTS\nassert {0}, {1!r}\n### END HIDDEN TESTS"
    return [
        {"cell_type": "markdown", "id": "card", "metadata": {}, "source": "# Sums\n\nTwo tasks, $a < b$, `x < y`."},
        code("setup", "import os\nsecret_of_the_setup = 1"),
        solution("add", stubbed("def add(a, b):", "return a + b")),
        test_cell("add_visible", 2, "assert add(1, 2) == 3, 'one and two make three'"),
        test_cell("add_hidden", 3, hidden.format("add(-41, 20) == -21", "negative numbers count too")),
        solution("scale", stubbed("def scale(xs, k):", "return [k * x for x in xs]")),
        test_cell("scale_visible", 2, "assert scale([1, 2], 3) == [3, 6], 'every number is scaled'"),
        test_cell("scale_hidden", 3, hidden.format("scale([], 77) == []", "nothing stays nothing")),
    ]


def notebook(cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def make_course(root):
    write(root / "nbgrader_config.py", CONFIG)
    write(root / "solutions" / SLUG / f"{NAME}.ipynb", notebook(source_cells()))
    return root


def answered(released, answers):
    """The released notebook with the given text in place of its solution cells, {cell id: source}."""
    content = json.loads(Path(released).read_text())
    for cell in content["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    return content


def add_learner(class_dir, learner, content, expected, **files):
    """Hand something in for a made-up learner and enter it in the manifest."""
    folder = class_dir / "submitted" / learner / SLUG
    write(folder / f"{NAME}.ipynb", content)
    for name, text in files.items():
        write(folder / name, text)
    manifest_path = class_dir / "sample-class.json"
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {"assignment": SLUG, "learners": {}}
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    manifest["learners"][learner] = {"files": hashes, "expected": expected, "about": ""}
    write(manifest_path, manifest)
