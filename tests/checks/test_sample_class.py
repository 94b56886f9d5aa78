"""The made-up class: whole, described, and wrong only where it should be."""

import hashlib
import json

import nbformat
import pytest
import torch

from seq2bert.checks import sample_class
from seq2bert.checks import seq2seq as check
from seq2bert.checks.task import CheckFailed
from seq2bert.files import CourseError
from tests.conftest import each_assignment


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("class")
    sample_class.write_sample_class("03_seq2seq", out)
    return out


def cells(out, learner):
    notebook = nbformat.read(out / "submitted" / learner / "03_seq2seq" / "seq2seq.ipynb", as_version=4)
    return {cell.id: cell.source for cell in notebook.cells}


def test_the_manifest_lists_every_file_with_its_hash(written):
    manifest = json.loads((written / "sample-class.json").read_text())
    files = {
        f"{name}/03_seq2seq/{file}": sha
        for name, who in manifest["learners"].items()
        for file, sha in who["files"].items()
    }
    there = {
        str(path.relative_to(written / "submitted")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (written / "submitted").rglob("*")
        if path.is_file()
    }
    assert files == there


def test_the_class_has_everyone_it_should_and_their_marks(written):
    expected = {
        name: who["expected"]
        for name, who in json.loads((written / "sample-class.json").read_text())["learners"].items()
    }
    assert expected == {
        "perfect": 70,
        "noisy": 70,
        "blank": 0,
        "rewrites": 0,
        "half": 26,
        "raises": 56,
        "endless": 58,
        "killed": 58,
        "exits": 58,
        "borrows": 56,
        "wrong-loss": 58,
        "wrong-update": 56,
        "wrong-beam": 56,
    }


def test_nothing_handed_in_shows_solution_marks_or_hidden_tests(written):
    for path in written.rglob("*.ipynb"):
        text = path.read_text()
        assert "### BEGIN" not in text
        assert "hidden=True" not in text


def answers(out, learner):
    """The names that a learner's solution cells define."""
    space: dict = {"torch": torch}
    for task in check.TASKS:
        exec(cells(out, learner)[task], space)
    return space


@each_assignment()
def test_wrong_learners_run_into_the_mistake_of_that_name(assignment):
    check = assignment.check
    tasks = [(task, function) for cell in check.TASKS for task, function in assignment.asked(cell)]
    for old, new, mistake in check.WRONG_LEARNERS.values():
        (cell,) = (cell for cell in check.TASKS if old in assignment.cells[cell])
        space, told = {"torch": torch}, []
        for other in check.TASKS:
            exec(assignment.cells[other].replace(old, new) if other == cell else assignment.cells[other], space)
        for task, function in tasks:
            try:
                getattr(check, task)(space[function])
            except CheckFailed as error:
                told.append(error.mistake)
        assert set(told) == {mistake}


def test_the_noisy_and_those_who_borrow_have_right_answers(written, capsys):
    with pytest.warns(UserWarning, match="all is well"):
        learners = {name: answers(written, name) for name in ("noisy", "borrows", "perfect")}
    for space in learners.values():
        for task in (check.shift, check.sequence_loss, check.decoder_step, check.beam_step, check.error_rates):
            task(space[task.name], hidden=True)
    assert capsys.readouterr().err == "step 1 of 2\n"


def test_who_rewrites_the_tests_claims_every_point(written):
    source = cells(written, "rewrites")
    claimed = [float(text.splitlines()[-1]) for name, text in source.items() if name.endswith(("-visible", "-hidden"))]
    assert sum(claimed) == 70
    with pytest.raises(NotImplementedError):
        answers(written, "rewrites")["shift"](None)


def test_writing_it_again_gives_the_same_bytes(written, tmp_path):
    sample_class.write_sample_class("03_seq2seq", tmp_path)
    assert (tmp_path / "sample-class.json").read_bytes() == (written / "sample-class.json").read_bytes()


def test_an_unknown_assignment_is_named(tmp_path):
    with pytest.raises(CourseError, match=r"no assignment '12_none' in .*; there are: .*03_seq2seq"):
        sample_class.write_sample_class("12_none", tmp_path / "out")
    assert not (tmp_path / "out").exists()
