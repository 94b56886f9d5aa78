"""Every check of every assignment: the reference passes, every known mistake fails and is named, whatever the seed."""

import random

import pytest

from seq2bert.checks.task import CheckFailed, Task
from tests.conftest import assignments

SEEDS = [*range(80), *(random.Random(3).getrandbits(63) for _ in range(20)), 2**63 - 1]
TASKS = {
    f"{assignment.name}-{name}": task
    for assignment in assignments()
    for name, task in vars(assignment.check).items()
    if isinstance(task, Task)
}


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_whatever_the_seed_the_reference_passes_and_every_mistake_is_caught_and_named(task, hidden):
    for seed in SEEDS:
        trials = task.trials(seed, hidden)
        task.judge(task.reference, trials, hidden)
        for mistake in task.mistakes:
            if not hidden and not mistake.visible:
                task.judge(mistake.function, trials, hidden)
                continue
            with pytest.raises(CheckFailed) as caught:
                task.judge(mistake.function, trials, hidden)
            assert caught.value.mistake == mistake.name, seed
            assert mistake.advice in str(caught.value)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_at_least_five_mistakes_are_known_by_different_names(task):
    assert len({mistake.name for mistake in task.mistakes}) == len(task.mistakes) >= 5
