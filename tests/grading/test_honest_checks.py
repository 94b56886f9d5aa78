"""Right answers pass every check, however they are written."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch

from seq2bert.checks import seq2seq as check

HONEST = Path(__file__).parent / "honest"
ANSWERS = sorted(HONEST.glob("*/*/*.py"))
ASKED = {
    "task-1": (("shift", check.shift), ("sequence_loss", check.sequence_loss)),
    "task-2": (("decoder_step", check.decoder_step),),
    "task-3": (("beam_step", check.beam_step), ("beam_step", check.beam_of_one)),
    "task-4": (("error_rates", check.error_rates),),
}


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.filterwarnings("ignore")
def test_an_honest_answer_passes(path):
    space = {"torch": torch, "__name__": "__main__"}
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), space)
        for name, task in ASKED[path.parent.name]:
            for seed in (0, 1, 2, 2**32 + 5, 2**63 - 1):
                for hidden in (False, True):
                    task(space[name], seed=seed, hidden=hidden)


def test_each_cell_has_ten_answers_or_more_and_each_says_what_is_different():
    assert {path.parent.name for path in ANSWERS} == set(ASKED) == set(check.TASKS)
    for cell in ASKED:
        texts = [path.read_text(encoding="utf-8") for path in ANSWERS if path.parent.name == cell]
        firsts = [text.splitlines()[0] for text in texts]
        assert len(set(firsts)) == len(texts) >= 10
        assert all(first.startswith("# ") for first in firsts)


@pytest.mark.filterwarnings("ignore")
def test_a_loss_can_be_trained_with():
    for path in (path for path in ANSWERS if path.parent.name == "task-1"):
        space = {"torch": torch}
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), space)
            given = check.sequence_loss.trials(0, hidden=False)[0].arguments
            logits = given["logits"].requires_grad_()
            space["sequence_loss"](**given | {"logits": logits}).backward()
        assert logits.grad[given["labels"] == 0].abs().sum() == 0 < logits.grad.abs().sum(), path.name
