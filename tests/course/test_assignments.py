"""Assignments end to end: the reference earns all, the release nothing, a known mistake is named in the feedback."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy

import nbformat
import pytest
from nbclient import NotebookClient

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


LEFT_OUT = {"endless", "half", "raises", "wrong-update", "wrong-beam"}  # slow, or like others


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    """Some of the sample class, `blank` with the released notebook itself, graded and given feedback."""
    folder = tmp_path_factory.mktemp("class")
    sample_class.write_sample_class("03_seq2seq", folder)
    manifest = json.loads((folder / "sample-class.json").read_text())
    for learner in LEFT_OUT:
        shutil.rmtree(folder / "submitted" / learner)
        del manifest["learners"][learner]
    released = (root / "exercises" / "03_seq2seq" / "seq2seq.ipynb").read_bytes()
    (folder / "submitted" / "blank" / "03_seq2seq" / "seq2seq.ipynb").write_bytes(released)
    manifest["learners"]["blank"]["files"] = {"seq2seq.ipynb": hashlib.sha256(released).hexdigest()}
    (folder / "sample-class.json").write_text(json.dumps(manifest))
    classroom("grade", "03_seq2seq", "--class-dir", folder, "--workers", 2, cwd=root)
    classroom("feedback", "03_seq2seq", "--class-dir", folder, cwd=root)
    return folder


def result(folder, learner):
    return json.loads((folder / "results" / learner / "03_seq2seq.json").read_text())


@pytest.mark.parametrize(
    "learner", ["perfect", "noisy", "blank", "rewrites", "killed", "exits", "borrows", "wrong-loss"]
)
def test_everybody_earns_what_they_should(graded, learner):
    expected = json.loads((graded / "sample-class.json").read_text())["learners"][learner]["expected"]
    assert (result(graded, learner)["total"], result(graded, learner)["max"]) == (expected, 70)


@pytest.mark.parametrize(
    ("learner", "task"), [("killed", "task-1"), ("exits", "task-1"), ("borrows", "task-3"), ("wrong-loss", "task-1")]
)
def test_a_wrong_answer_costs_its_own_task(graded, learner, task):
    lost = {mark["grade_id"] for mark in result(graded, learner)["tasks"] if mark["points"] == 0}
    assert lost == {f"{task}-visible", f"{task}-hidden"}


def test_a_known_mistake_is_named_in_the_result_and_in_the_feedback(graded):
    advice = next(m.advice for m in check.sequence_loss.mistakes if m.name == "padding counted")
    wrong = result(graded, "wrong-loss")
    assert {mark["mistake"] for mark in wrong["tasks"] if mark["points"] == 0} == {"padding counted"}
    (page,) = (graded / "feedback" / "wrong-loss" / "03_seq2seq").glob("*.html")
    assert advice.split(".")[0] in page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source(root):
    return nbformat.read(root / "solutions" / "03_seq2seq" / "seq2seq.ipynb", as_version=4)


def without(withheld):
    """What a process of the jail runs first: a withheld module is not there, nor is anything inside it."""
    return f"""
import sys
class Withheld:
    def find_spec(self, name, path=None, target=None):
        if any(name == module or name.startswith(module + ".") for module in {withheld!r}):
            raise ImportError(name + " is withheld")
sys.meta_path.insert(0, Withheld())
"""


def python(text, **environment):
    done = subprocess.run(
        [sys.executable, "-"], input=text, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(root):
    for path in sorted((root / "src" / "seq2bert").rglob("*.py")):
        parts = path.relative_to(root / "src").with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_what_is_not_withheld_holds_no_answer_and_needs_none(root, source):
    withheld = source.metadata.classroom.withheld
    free = {
        name: path
        for name, path in modules(root)
        if not any(name == module or name.startswith(module + ".") for module in withheld)
    }
    assert {"seq2bert.training.loop", "seq2bert.data.g2p", "seq2bert.sequences"} <= free.keys()
    python(without(withheld) + "".join(f"import {name}\n" for name in free))
    answers = {"shift", "sequence_loss", "beam_step", "error_rates", "Levenshtein", "GRUCell", "Decoder", "nearest"}
    for name, path in free.items():
        assert not answers & set(re.findall(r"\w+", path.read_text(encoding="utf-8"))), name
    assert set(withheld) <= {name for name, _ in modules(root)}


def imported(text):
    """Every module that a cell may import, and every name that it takes from one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_in_the_jail_the_notebook_runs_without_what_is_withheld(source):
    withheld = tuple(source.metadata.classroom.withheld)
    cells = {c.id: c.source for c in source.cells if c.cell_type == "code" and not sample_class.is_test(c)}
    skipped = [cell for cell, text in cells.items() if any(name.startswith(withheld) for name in imported(text))]
    assert skipped == ["checks", "experiment-train"]
    said = python(
        without(withheld) + "\n".join(text for cell, text in cells.items() if cell not in skipped),
        CLASSROOM_GRADING="1",
    )
    assert said.startswith("OK: torch")


def test_the_tests_need_the_checks_and_the_learners_functions_only(source):
    texts = {cell.id: cell.source for cell in source.cells}
    tests = [cell.source for cell in source.cells if sample_class.is_test(cell) and cell.id.startswith("task")]
    answers = [texts[task] for task in check.TASKS]
    said = python("\n".join(["import torch", *answers, texts["checks"], *tests]), CLASSROOM_SEED=str(2**63 - 1))
    assert said.count(": right on ") == 11


def test_a_stuck_learner_reaches_the_experiment_with_the_courses_answers(source, tmp_path):
    notebook = deepcopy(source)
    notebook.cells = [cell for cell in notebook.cells if not sample_class.is_test(cell)]
    for cell in notebook.cells:
        if cell.id in check.TASKS:
            names = re.findall(r"^def (\w+)", cell.source, re.MULTILINE)
            cell.source = "\n".join(f"{name} = check.{name}.reference" for name in names)
    environment = {**os.environ, "SEQ2BERT_PROFILE": "smoke"}
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute(env=environment)
    check.predictions(tmp_path / "predictions.json")


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
