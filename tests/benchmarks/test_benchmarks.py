"""That the benchmarks measure what they say. How fast anything is, no test asks."""

import json
import sys

import pytest

from classroom.course import Course
from classroom.release import release
from seq2bert.checks import seq2seq as check
from tests.benchmarks import bench_grading, bench_recurrent, bench_word2vec, harness
from tests.classroom.tiny_course import NAME, RIGHT, SLUG, answered, make_course, write

BURN = "import time\nwhile time.process_time() < {}:\n    pass\n"
ORPHAN = f"import os, sys\nif os.fork() == 0:\n    if os.fork() == 0:\n        exec({BURN.format(1)!r})\n"


def test_what_orphans_burn_is_counted_too(tmp_path):
    assert harness.cpu_seconds([sys.executable, "-S", "-c", ORPHAN], tmp_path / "log") >= 1


def test_a_program_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(RuntimeError, match=r"ended with 3: no luck; see .*log"):
        harness.cpu_seconds([sys.executable, "-c", "print('no luck'); raise SystemExit(3)"], tmp_path / "log")


@pytest.mark.course
def test_what_learners_code_burns_in_the_jail_is_counted(tmp_path):
    course = Course(make_course(tmp_path))
    release(course)
    released = course.release / SLUG / f"{NAME}.ipynb"

    def grade(folder, seconds):
        burn = "    import time\n    end = time.process_time() + {}\n    while time.process_time() < end: pass\n"
        scale = (
            f"def scale(xs, k):\n{burn.format(seconds / 4)}    return [k * x for x in xs]\nscale([], 0)\nscale([], 0)"
        )
        submitted = tmp_path / folder / "submitted" / "ada" / SLUG / f"{NAME}.ipynb"
        write(submitted, answered(released, {**RIGHT, "scale": scale}))  # burns in its cell and in two tests
        command = ["classroom", "grade", SLUG, "--class-dir", tmp_path / folder, "--cell-seconds", "60"]
        return harness.cpu_seconds(command, tmp_path / "log", tmp_path)

    idle, busy = grade("idle", 0), grade("busy", 8)
    assert busy - idle > 5


def test_a_conclusion_is_a_line_and_a_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEQ2BERT_RESULTS", str(tmp_path))
    costs = {"ours": [1.0, 2.0, 1.0], "peer": [12.0, 20.0, 11.0]}
    assert harness.conclude("G0", "work", 10, costs, {"same marks": True}, {"rounds": 3}, full=True)
    assert capsys.readouterr().out == "G0  work: 11 [10, 12], goal 10; same marks: yes; met\n"
    record = json.loads((tmp_path / "benchmarks" / "G0.json").read_text())
    assert (record["median"], record["ratios"], record["met"]) == (11.0, [12.0, 10.0, 11.0], True)


@pytest.mark.parametrize(("goal", "same"), [(12, True), (10, False)])
def test_neither_a_slow_nor_a_wrong_result_meets_a_goal(tmp_path, monkeypatch, capsys, goal, same):
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    costs = {"ours": [1.0], "peer": [11.0]}
    assert not harness.conclude("G0", "work", goal, costs, {"same marks": same}, {}, full=False)
    assert capsys.readouterr().out.endswith("NOT MET\n")
    assert (tmp_path / "_build" / "results" / "benchmarks" / "G0.json").exists()


def test_the_class_has_right_and_wrong_hand_ins_and_no_two_alike(monkeypatch):
    monkeypatch.setattr(check, "files_to_hand_in", dict)
    texts = ["".join(files.values()) for files in bench_grading.class_of(12).values()]
    assert len(set(texts)) == 12
    stubbed = [json.dumps(bench_grading.STUB)[1:-1] in text for text in texts]
    assert stubbed[:4] == [False] * 4
    assert any(stubbed)
    assert any(new and new in text for _, new, _ in check.WRONG_LEARNERS.values() for text in texts)


@pytest.mark.parametrize("cell", bench_recurrent.GOALS)
def test_our_cells_and_torchs_learn_the_same(tmp_path, monkeypatch, capsys, cell):
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    bench_recurrent.compare(cell, 0, {"rounds": 2, "steps": 3}, full=False)
    assert "same loss: yes; met" in capsys.readouterr().out
    record = json.loads((tmp_path / "_build" / "results" / "benchmarks" / f"G4-{cell}.json").read_text())
    assert all(0 < share < 1.5 for share in record["settings"]["share_of_matrix_product_peak"].values())


def test_our_word_vectors_and_gensims_see_the_same_text(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    bench_word2vec.compare({"rounds": 2, "epochs": 3, "every": 40}, full=False)
    assert "G5  word vectors" in capsys.readouterr().out
    record = json.loads((tmp_path / "_build" / "results" / "benchmarks" / "G5.json").read_text())
    losses = record["settings"]["held_out_loss"]
    assert abs(losses["ours"] / losses["peer"] - 1) < 0.05  # a fortieth of the text is too little for a closer look
    assert losses["ours"] < 4
