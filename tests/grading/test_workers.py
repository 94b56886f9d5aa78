"""The same marks, messages and seeds, whoever examines, in whatever order, and whatever dies on the way."""

import json
import os
import random
import shutil
import signal
from typing import ClassVar

import psutil
import pytest

from classroom import engines, examiner, grade
from classroom.results import GRADED, QUARANTINED
from classroom.sandbox import Limits
from tests.classroom.tiny_course import NAME, RIGHT, RIGHT_ADD, SLUG, answered, write

pytestmark = [pytest.mark.course, pytest.mark.grading_long]
LIMITS = Limits(cell_seconds=5, notebook_seconds=60)

ANSWERS = {
    "ada": RIGHT,
    "bob": {"add": RIGHT_ADD},
    "cyd": {"add": "def add(a, b):\n    return abs(a) + abs(b)", "scale": RIGHT["scale"]},
    "dan": {},
    "eve": {"add": "import os\nos._exit(0)", "scale": RIGHT["scale"]},
    "fay": {"add": "def add(a, b):\n    raise KeyError(a)", "scale": "def scale(xs, k):\n    return [0]"},
    "gus": {"add": RIGHT_ADD, "scale": "def scale(xs, k):\n    import os\n    os._exit(1)"},
    "hal": RIGHT,  # word for word what ada handed in
}
TOTALS = {"ada": 10, "bob": 5, "cyd": 7, "dan": 0, "eve": 5, "fay": 0, "gus": 5, "hal": 10}


@pytest.fixture
def class_of(course, tmp_path):
    """Make a class folder in which the named learners have handed in, in this order, with the given key."""
    released = course.release / SLUG / f"{NAME}.ipynb"

    def make(name, learners=tuple(ANSWERS), key="5" * 64):
        for learner in learners:
            write(
                tmp_path / name / "submitted" / learner / SLUG / f"{NAME}.ipynb", answered(released, ANSWERS[learner])
            )
        write(tmp_path / name / "course.key", key + "\n")
        return tmp_path / name

    return make


def graded(course, folder, **how):
    """What the records of a class say, but for how long it took: {learner: record}."""
    grade.grade(course, SLUG, folder, LIMITS, **how)
    records = {path.parent.name: json.loads(path.read_text()) for path in folder.glob(f"results/*/{SLUG}.json")}
    for record in records.values():
        del record["seconds"]
    return records


def seeds(record):
    return [task["seed"] for task in record["tasks"]]


def test_any_number_of_workers_in_any_order(course, class_of, monkeypatch):
    alone = graded(course, class_of("alone"), workers=1)
    assert {learner: record["total"] for learner, record in alone.items()} == TOTALS
    there = grade.submitters
    for run in range(3):
        order = random.Random(run)

        def shuffled(*arguments, order=order):
            learners = there(*arguments)
            order.shuffle(learners)
            return learners

        monkeypatch.setattr(grade, "submitters", shuffled)
        assert graded(course, class_of(f"four-{run}"), workers=4) == alone


def test_one_learner_at_a_time(course, class_of):
    together, folder = graded(course, class_of("together")), class_of("apart")
    for learner in reversed(ANSWERS):
        records = graded(course, folder, learners=[learner])
    assert records == together


def test_seeds_hang_on_the_key_and_on_what_was_handed_in(course, class_of):
    records = graded(course, class_of("one"))
    assert seeds(records["ada"]) == seeds(records["hal"]) != seeds(records["bob"])
    assert len(set(seeds(records["ada"]))) == 4  # no test's seed tells another's
    others = graded(course, class_of("two", key="6" * 64))
    for learner, record in others.items():
        assert record["total"] == TOTALS[learner]
        assert not set(seeds(record)) & set(seeds(records[learner]))


def test_handing_in_later_is_noticed_and_changes_no_seed(course, class_of):
    folder = class_of("late", ["ada"])
    before = graded(course, folder)["ada"]
    write(folder / "submitted" / "ada" / SLUG / "timestamp.txt", "2026-11-23 10:00:00 UTC")
    after = graded(course, folder)["ada"]
    assert (before["timestamp"], after["timestamp"]) == ("", "2026-11-23T10:00:00+00:00")
    assert seeds(before) == seeds(after)


class Fragile(examiner.Examiner):
    """An examiner that dies before it answers: for each learner in `deadly` as often as it says there."""

    deadly: ClassVar = {}

    def send(self, learner, files):
        super().send(learner, files)
        if self.deadly.get(learner, 0):
            self.deadly[learner] -= 1
            self.end()

    def end(self):
        os.kill(self.process.pid, signal.SIGKILL)


class Keeperless(Fragile):
    """The same, where only its jail's keeper dies."""

    def end(self):
        for child in psutil.Process(self.process.pid).children(recursive=True):
            child.kill()


@pytest.mark.parametrize("kind", [Fragile, Keeperless])
def test_what_dies_is_replaced_and_nothing_is_lost(course, class_of, monkeypatch, kind):
    undisturbed = graded(course, class_of("undisturbed"))
    monkeypatch.setattr(engines, "Examiner", kind)
    monkeypatch.setattr(kind, "deadly", {"ada": 1, "cyd": 1, "hal": 1})
    assert graded(course, class_of("disturbed"), workers=2) == undisturbed
    assert not any(kind.deadly.values())


def test_a_submission_at_which_the_grader_always_dies_is_told_and_tried_again(course, class_of, monkeypatch):
    folder = class_of("deadly", ["ada", "bob", "dan"])
    monkeypatch.setattr(engines, "Examiner", Fragile)
    monkeypatch.setattr(Fragile, "deadly", {"bob": engines.ATTEMPTS})
    records = graded(course, folder)
    assert {learner: record["state"] for learner, record in records.items()} == {
        "ada": GRADED,
        "bob": QUARANTINED,
        "dan": GRADED,
    }
    assert records["bob"]["fault"]
    assert "could not be graded" in records["bob"]["reason"]
    again = graded(course, folder)
    assert (again["bob"]["state"], again["bob"]["total"]) == (GRADED, TOTALS["bob"])
    shutil.rmtree(folder / "results")
    assert graded(course, folder) == again
