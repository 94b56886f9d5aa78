"""Assignments end to end: the reference earns all, the release nothing, a known mistake is named in the feedback."""

import hashlib
import json
import shutil
import subprocess
import sys

import nbformat
import pytest

from seq2bert.checks import sample_class
from seq2bert.checks import seq2seq as check

pytestmark = pytest.mark.course


def classroom(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-c", "from classroom.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    """Three of the sample class, `blank` with the released notebook itself, graded and given feedback."""
    folder = tmp_path_factory.mktemp("class")
    sample_class.write_sample_class("03_seq2seq", folder)
    manifest = json.loads((folder / "sample-class.json").read_text())
    for learner in set(manifest["learners"]) - {"perfect", "blank", "wrong-loss"}:
        shutil.rmtree(folder / "submitted" / learner)
        del manifest["learners"][learner]
    released = (root / "exercises" / "03_seq2seq" / "seq2seq.ipynb").read_bytes()
    (folder / "submitted" / "blank" / "03_seq2seq" / "seq2seq.ipynb").write_bytes(released)
    manifest["learners"]["blank"]["files"] = {"seq2seq.ipynb": hashlib.sha256(released).hexdigest()}
    (folder / "sample-class.json").write_text(json.dumps(manifest))
    classroom("grade", "03_seq2seq", "--class-dir", folder, cwd=root)
    classroom("feedback", "03_seq2seq", "--class-dir", folder, cwd=root)
    return folder


def result(folder, learner):
    return json.loads((folder / "results" / learner / "03_seq2seq.json").read_text())


def test_the_reference_earns_everything(graded):
    assert (result(graded, "perfect")["total"], result(graded, "perfect")["max"]) == (70, 70)


def test_the_release_as_it_is_earns_nothing(graded):
    blank = result(graded, "blank")
    assert blank["total"] == 0
    assert all(task["points"] == 0 for task in blank["tasks"])


def test_a_known_mistake_costs_its_task_and_is_named(graded):
    advice = next(m.advice for m in check.sequence_loss.mistakes if m.name == "padding counted")
    wrong = result(graded, "wrong-loss")
    assert wrong["total"] == 58
    assert {task["grade_id"] for task in wrong["tasks"] if task["points"] == 0} == {"task-1-visible", "task-1-hidden"}
    (page,) = (graded / "feedback" / "wrong-loss" / "03_seq2seq").glob("*.html")
    assert advice.split(".")[0] in page.read_text(encoding="utf-8")


def test_points_and_ids_of_the_source(root):
    notebook = nbformat.read(root / "solutions" / "03_seq2seq" / "seq2seq.ipynb", as_version=4)
    graded_cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in graded_cells) == 70
    for cell in notebook.cells:
        assert cell.id == cell.metadata.get("nbgrader", {}).get("grade_id", cell.id)
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    for task in check.TASKS:
        ids = [cell.id for cell in graded_cells if cell.id.startswith(task)]
        assert ids == [f"{task}-visible", f"{task}-hidden"]


def test_every_task_has_a_ladder_of_three_folded_hints(root):
    notebook = nbformat.read(root / "solutions" / "03_seq2seq" / "seq2seq.ipynb", as_version=4)
    texts = {cell.id: cell.source for cell in notebook.cells}
    for task in check.TASKS:
        assert texts[f"{task}-text"].count("<details><summary>Hint") == 3


def test_the_notebook_trains_as_the_recorded_reference_does(root):
    from seq2bert.experiments.seq2seq_assignment import PROFILES

    notebook = nbformat.read(root / "solutions" / "03_seq2seq" / "seq2seq.ipynb", as_version=4)
    text = next(cell.source for cell in notebook.cells if cell.id == "experiment-train")
    settings = PROFILES["full"]
    assert f"choose(full={settings.epochs}, smoke=1)" in text
    assert f"learning_rate={settings.learning_rate:g}".replace("0.004", "4e-3") in text
    assert f"{settings.batch_size}, generator" in text
