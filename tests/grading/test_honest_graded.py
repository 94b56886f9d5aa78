"""Honest work is never hurt: the honest answers earn full marks through the whole of grading, in the jail."""

import json
from itertools import zip_longest
from pathlib import Path

import pytest

from classroom.course import Course
from classroom.grade import Limits, grade
from tests.conftest import ROOT

pytestmark = pytest.mark.course
SLUG, NAME = "03_seq2seq", "seq2seq"
HONEST = Path(__file__).parent / "honest" / SLUG
CELLS = sorted(folder.name for folder in HONEST.iterdir())


def submissions():
    """{learner: {cell: path of an answer}}: as many learners as it takes to hand in every answer once."""
    rows = zip_longest(*[sorted((HONEST / cell).glob("*.py")) for cell in CELLS])
    firsts = {cell: min((HONEST / cell).glob("*.py")) for cell in CELLS}
    return {
        f"learner{number:02}": {cell: path or firsts[cell] for cell, path in zip(CELLS, row, strict=True)}
        for number, row in enumerate(rows)
    }


def test_every_honest_answer_earns_full_marks(tmp_path):
    handed_in = submissions()
    assert {path for answers in handed_in.values() for path in answers.values()} == set(HONEST.glob("*/*.py"))
    source = (ROOT / "solutions" / SLUG / f"{NAME}.ipynb").read_text(encoding="utf-8")
    for learner, answers in handed_in.items():
        notebook = json.loads(source)
        for cell in notebook["cells"]:
            if cell["id"] in answers:
                cell["source"] = answers[cell["id"]].read_text(encoding="utf-8")
        folder = tmp_path / "submitted" / learner / SLUG
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    lost = [
        f"{handed_in[result['learner']][task['grade_id'][:6]]}: {task['grade_id']}: {task['message']}"
        for result in grade(Course(ROOT), SLUG, tmp_path, Limits(cell_seconds=60, notebook_seconds=600))
        for task in result["tasks"]
        if task["points"] != task["max_points"] and not task["grade_id"].startswith("experiment")
    ]
    assert lost == []
