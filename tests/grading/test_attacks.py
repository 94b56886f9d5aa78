"""Every attack of the corpus, graded beside honest work: what it may achieve is nothing."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.grading import corpus

ATTACKS = corpus.load()
pytestmark = pytest.mark.attacks


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The verdicts on one grading of the whole corpus, in a process that adopts whatever the attacks leave behind."""
    path = tmp_path_factory.mktemp("attacks") / "report.json"
    command = [sys.executable, "-m", "tests.grading.run_attacks", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3000)
    assert path.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return {**json.loads(path.read_text()), "last line": done.stdout.splitlines()[-1]}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.theme}/{attack.id}")
def test_it_achieves_nothing(attack, report):
    (verdict,) = [verdict for verdict in report["verdicts"] if verdict["id"] == attack.id]
    assert verdict["found"] == []


def test_nobody_else_was_harmed(report):
    assert report["unclaimed"] == []
    assert report["last line"] == (
        f"{len(ATTACKS)} attacks: 0 undeserved marks, 0 leaks, 0 others harmed, 0 batches stopped, 0 processes left"
    )


def test_the_corpus_is_whole():
    """Enough attacks, in every theme, each with an answer to what it tries and which promise it tests."""
    assert len(ATTACKS) >= 110
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.theme for attack in ATTACKS} == set(corpus.themes())
    for attack in ATTACKS:
        assert attack.tries.endswith("."), attack.id
        assert attack.promise, attack.id
        assert attack.code or attack.answers or attack.files or attack.build or attack.id == "feedback-quotes-tests"


def test_the_range_deserves_what_it_should(tmp_path):
    """Right answers are worth all points, and what an attack's file says of points can be added up."""
    the_range = corpus.Range(tmp_path)
    assert the_range.points("all") == 35
    for attack in ATTACKS:
        assert 0 <= the_range.kept(attack) <= the_range.deserved(attack) <= 35, attack.id
