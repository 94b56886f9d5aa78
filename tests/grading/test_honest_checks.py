"""Right answers pass every check, however they are written."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch

from tests.conftest import Assignment, each_assignment

HONEST = Path(__file__).parent / "honest"
ANSWERS = sorted(HONEST.glob("*/*/*.py"))


def defined_by(path):
    """What an answer defines, silently."""
    space = {"torch": torch, "__name__": "__main__"}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), space)
    return space


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: "-".join(path.parts[-3:]).removesuffix(".py"))
@pytest.mark.filterwarnings("ignore")
def test_an_honest_answer_passes(path):
    assignment = Assignment(path.parts[-3])
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        space = defined_by(path)
        for check, function in assignment.asked(path.parts[-2]):
            for seed in (0, 1, 2, 2**32 + 5, 2**63 - 1):
                for hidden in (False, True):
                    getattr(assignment.check, check)(space[function], seed=seed, hidden=hidden)


@each_assignment()
def test_each_cell_has_ten_answers_or_more_and_each_says_what_is_different(assignment):
    for task in assignment.check.TASKS:
        texts = [path.read_text(encoding="utf-8") for path in (HONEST / assignment.slug / task).glob("*.py")]
        firsts = [text.splitlines()[0] for text in texts]
        assert len(set(firsts)) == len(texts) >= 10
        assert all(first.startswith("# ") for first in firsts)


@pytest.mark.filterwarnings("ignore")
def test_a_loss_can_be_trained_with():
    task = Assignment("03_seq2seq").check.sequence_loss
    for path in (HONEST / "03_seq2seq" / "task-1").glob("*.py"):
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            given = task.trials(0, hidden=False)[0].arguments
            logits = given["logits"].requires_grad_()
            defined_by(path)["sequence_loss"](**given | {"logits": logits}).backward()
        assert logits.grad[given["labels"] == 0].abs().sum() == 0 < logits.grad.abs().sum(), path.name
