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

import pytest
from nbclient import NotebookClient

from seq2bert.checks import sample_class
from seq2bert.checks.task import Task
from tests.conftest import assignments, each_assignment

pytestmark = pytest.mark.course

POINTS = {
    "01_sequences": 50,
    "02_recurrent": 60,
    "03_seq2seq": 70,
    "04_attention": 60,
    "05_transformer": 80,
    "06_word2vec": 50,
    "08_gpt": 60,
}
# Words that stand where an answer is: no module that a learner's process may import has one of them.
ANSWERS = {
    "01_sequences": {
        *("masked_mean", "build_vocabulary", "count_bigrams", "smooth", "padding_mask", "look_up"),
        *("Vocabulary", "NGramModel", "bincount", "log_likelihoods"),
    },
    "02_recurrent": {"GRUCell", "LSTMCell", "RNNCell", "clip_gradients", "truncated_backward"},
    "03_seq2seq": {
        *("shift", "sequence_loss", "beam_step", "error_rates"),
        *("Levenshtein", "GRUCell", "Decoder", "nearest"),
    },
    "04_attention": {
        *("masked_softmax", "look_back", "alignment_path", "attention_entropy"),
        *("DotScore", "GeneralScore", "AdditiveScore", "scaled_dot_product_attention"),
    },
    "05_transformer": {
        *("scaled_dot_product_attention", "multi_head_attention", "causal_mask", "decoder_mask"),
        *("sinusoidal_positions", "encoder_layer", "order_sensitivity", "masked_softmax"),
    },
    "06_word2vec": {
        *("skip_gram_pairs", "window_mask", "noise_probabilities", "negative_probabilities", "draw_negatives"),
        *("negative_sampling_loss", "negative_sampling_gradients", "skip_gram_gradients", "SkipGram"),
        *("nearest_words", "solve_analogies", "WordVectors"),
    },
    "08_gpt": {
        *("causal_mask", "newest_rows", "after_bos", "next_token_loss", "language_model_loss", "sequence_loss"),
        *("filter_logits", "attention_step", "CausalSelfAttention", "scaled_dot_product_attention"),
        *("classify", "GPTClassifier", "fine_tuning_loss"),
    },
}
# Modules that the rest of a notebook uses, and that therefore are there.
FREE = {
    "01_sequences": {"seq2bert.data.sentences", "seq2bert.data.corpus", "seq2bert.data.wordpieces"},
    "02_recurrent": {"seq2bert.data.adding", "seq2bert.results", "seq2bert.training.loop"},
    "03_seq2seq": {"seq2bert.training.loop", "seq2bert.data.g2p", "seq2bert.sequences"},
    "04_attention": {"seq2bert.training.loop", "seq2bert.data.g2p", "seq2bert.seq2seq", "seq2bert.sequences"},
    "05_transformer": {"seq2bert.training.loop", "seq2bert.data.g2p", "seq2bert.seq2seq", "seq2bert.sequences"},
    "06_word2vec": {"seq2bert.training.loop", "seq2bert.data.words", "seq2bert.data.similarity"},
    "08_gpt": {"seq2bert.training.loop", "seq2bert.data.sentiment", "seq2bert.data.wordpieces", "seq2bert.sequences"},
}


def classroom(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-c", "from classroom.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=assignments(), ids=lambda assignment: assignment.slug)
def graded(request, root, tmp_path_factory):
    """Some of the sample class, `blank` with the released notebook itself, graded and given feedback."""
    assignment = request.param
    slug, notebook = assignment.slug, f"{assignment.name}.ipynb"
    folder = tmp_path_factory.mktemp("class")
    sample_class.write_sample_class(slug, folder)
    manifest = json.loads((folder / "sample-class.json").read_text())
    wrong = list(assignment.check.WRONG_LEARNERS)
    for learner in ("endless", "half", "raises", *wrong[1:]):  # slow, or like others
        shutil.rmtree(folder / "submitted" / learner)
        del manifest["learners"][learner]
    released = (root / "exercises" / slug / notebook).read_bytes()
    (folder / "submitted" / "blank" / slug / notebook).write_bytes(released)
    manifest["learners"]["blank"]["files"] = {notebook: hashlib.sha256(released).hexdigest()}
    (folder / "sample-class.json").write_text(json.dumps(manifest))
    classroom("grade", slug, "--class-dir", folder, "--workers", 2, cwd=root)
    classroom("feedback", slug, "--class-dir", folder, cwd=root)
    return assignment, folder, manifest["learners"]


def result(folder, learner, slug):
    return json.loads((folder / "results" / learner / f"{slug}.json").read_text())


def test_everybody_earns_what_they_should(graded):
    assignment, folder, learners = graded
    assert len(learners) == 8
    results = {learner: result(folder, learner, assignment.slug) for learner in learners}
    assert {who: found["total"] for who, found in results.items()} == {
        who: person["expected"] for who, person in learners.items()
    }
    assert {found["max"] for found in results.values()} == {POINTS[assignment.slug]}


def test_a_wrong_answer_costs_its_own_task(graded):
    assignment, folder, _ = graded
    check = assignment.check
    name, (old, _, _) = next(iter(check.WRONG_LEARNERS.items()))
    wrong = next(task for task in check.TASKS if old in assignment.cells[task])
    costs = {"killed": check.TASKS[0], "exits": check.TASKS[0], "borrows": check.BORROWED[0], name: wrong}
    for learner, task in costs.items():
        lost = {mark["grade_id"] for mark in result(folder, learner, assignment.slug)["tasks"] if mark["points"] == 0}
        assert lost == {f"{task}-visible", f"{task}-hidden"}, learner


def test_a_known_mistake_is_named_in_the_result_and_in_the_feedback(graded):
    assignment, folder, _ = graded
    name, (_, _, mistake) = next(iter(assignment.check.WRONG_LEARNERS.items()))
    tasks = [value for value in vars(assignment.check).values() if isinstance(value, Task)]
    advice = next(m.advice for task in tasks for m in task.mistakes if m.name == mistake)
    wrong = result(folder, name, assignment.slug)
    assert {mark["mistake"] for mark in wrong["tasks"] if mark["points"] == 0} == {mistake}
    (page,) = (folder / "feedback" / name / assignment.slug).glob("*.html")
    assert advice.split(".")[0] in page.read_text(encoding="utf-8")


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


@each_assignment()
def test_what_is_not_withheld_holds_no_answer_and_needs_none(root, assignment):
    withheld = assignment.source.metadata.classroom.withheld
    free = {
        name: path
        for name, path in modules(root)
        if not any(name == module or name.startswith(module + ".") for module in withheld)
    }
    assert FREE[assignment.slug] <= free.keys()
    python(without(withheld) + "".join(f"import {name}\n" for name in free))
    for name, path in free.items():
        assert not ANSWERS[assignment.slug] & set(re.findall(r"\w+", path.read_text(encoding="utf-8"))), name
    assert set(withheld) <= {name for name, _ in modules(root)}


def imported(text):
    """Every module that a cell may import, and every name that it takes from one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@each_assignment()
def test_in_the_jail_the_notebook_runs_without_what_is_withheld(assignment):
    withheld = tuple(assignment.source.metadata.classroom.withheld)
    cells = {c.id: c.source for c in assignment.source.cells if c.cell_type == "code" and not sample_class.is_test(c)}
    skipped = [cell for cell, text in cells.items() if any(name.startswith(withheld) for name in imported(text))]
    assert set(skipped) <= {"checks", "writing", "experiment-train"}
    said = python(
        without(withheld) + "\n".join(text for cell, text in cells.items() if cell not in skipped),
        CLASSROOM_GRADING="1",
    )
    assert said.startswith("OK: torch")


@each_assignment()
def test_the_tests_need_the_checks_and_the_learners_functions_only(assignment):
    tests = [
        cell.source for cell in assignment.source.cells if sample_class.is_test(cell) and cell.id.startswith("task")
    ]
    answers = [assignment.cells[task] for task in assignment.check.TASKS]
    calls = "\n".join(tests).count("check.")
    said = python(
        "\n".join(["import torch", *answers, assignment.cells["checks"], *tests]), CLASSROOM_SEED=str(2**63 - 1)
    )
    assert said.count(": right on ") == calls >= 2 * len(assignment.check.TASKS)


@each_assignment()
def test_a_stuck_learner_reaches_the_experiment_with_the_courses_answers(assignment, tmp_path):
    notebook = deepcopy(assignment.source)
    notebook.cells = [cell for cell in notebook.cells if not sample_class.is_test(cell)]
    for cell in notebook.cells:
        if cell.id in assignment.check.TASKS:
            names = re.findall(r"^def (\w+)", cell.source, re.MULTILINE)
            cell.source = "\n".join(f"{name} = check.{name}.reference" for name in names)
    environment = {**os.environ, "SEQ2BERT_PROFILE": "smoke"}
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute(env=environment)
    assignment.check.predictions(tmp_path / "predictions.json")


@each_assignment()
def test_points_and_ids_of_the_source(assignment):
    graded_cells = [cell for cell in assignment.source.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in graded_cells) == POINTS[assignment.slug]
    for cell in assignment.source.cells:
        assert cell.id == cell.metadata.get("nbgrader", {}).get("grade_id", cell.id)
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    for task in assignment.check.TASKS:
        ids = [cell.id for cell in graded_cells if cell.id.startswith(task)]
        assert ids == [f"{task}-visible", f"{task}-hidden"]


@each_assignment()
def test_every_task_has_a_ladder_of_three_folded_hints(assignment):
    for task in assignment.check.TASKS:
        assert assignment.cells[f"{task}-text"].count("<details><summary>Hint") == 3
