"""Honest work is never hurt: the honest answers earn full marks through the whole of grading, in the jail."""

import json
from itertools import zip_longest
from pathlib import Path

import pytest

from classroom.course import Course
from classroom.grade import Limits, grade
from tests.conftest import ROOT, each_assignment

pytestmark = pytest.mark.course
HONEST = Path(__file__).parent / "honest"


def submissions(folder):
    """{learner: {cell: path of an answer}}: as many learners as it takes to hand in every answer once."""
    cells = sorted(path.name for path in folder.iterdir())
    rows = zip_longest(*[sorted((folder / cell).glob("*.py")) for cell in cells])
    firsts = {cell: min((folder / cell).glob("*.py")) for cell in cells}
    return {
        f"learner{number:02}": {cell: path or firsts[cell] for cell, path in zip(cells, row, strict=True)}
        for number, row in enumerate(rows)
    }


@each_assignment()
def test_every_honest_answer_earns_full_marks(assignment, tmp_path):
    slug, file = assignment.slug, f"{assignment.name}.ipynb"
    handed_in = submissions(HONEST / slug)
    assert {path for answers in handed_in.values() for path in answers.values()} == set((HONEST / slug).glob("*/*.py"))
    source = (ROOT / "solutions" / slug / file).read_text(encoding="utf-8")
    for learner, answers in handed_in.items():
        notebook = json.loads(source)
        for cell in notebook["cells"]:
            if cell["id"] in answers:
                cell["source"] = answers[cell["id"]].read_text(encoding="utf-8")
        folder = tmp_path / "submitted" / learner / slug
        folder.mkdir(parents=True)
        (folder / file).write_text(json.dumps(notebook), encoding="utf-8")
    lost = [
        f"{handed_in[result['learner']][task['grade_id'][:6]]}: {task['grade_id']}: {task['message']}"
        for result in grade(Course(ROOT), slug, tmp_path, Limits(cell_seconds=60, notebook_seconds=600))
        for task in result["tasks"]
        if task["points"] != task["max_points"] and not task["grade_id"].startswith("experiment")
    ]
    assert lost == []
