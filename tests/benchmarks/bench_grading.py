"""G7: CPU time of grading a class, with every layer of the sandbox on, against `nbgrader autograde` in one call.

Usage: python -m tests.benchmarks.bench_grading [--rounds N] [--submissions N]

Both grade the same hand-ins: right ones that differ in their text, half-done ones and known mistakes; none that stops
early, prints to stderr or runs into a limit, and none that imports the answer, which only our grader withholds. Both
begin each round with a class that has not been graded, and a gradebook that knows the assignment.
"""

import argparse
import importlib
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import nbformat

from classroom.sandbox import MODES
from seq2bert.checks.sample_class import render, replace_body
from tests.benchmarks.harness import ROOT, conclude, cpu_seconds, interleave

ASSIGNMENT = "03_seq2seq"
GOAL = 10
FULL = {"rounds": 3, "submissions": 30}
STUB = 'raise NotImplementedError("write your code here and delete this line")'


def main():
    parser = argparse.ArgumentParser(prog="bench_grading", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=FULL["rounds"])
    parser.add_argument("--submissions", type=int, default=FULL["submissions"])
    asked = vars(parser.parse_args())
    if os.getloadavg()[0] > 0.5:
        print("something else is running on this computer: the figures will be rough", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        grading = Grading(Path(folder), class_of(asked["submissions"]))
        costs = interleave(asked["rounds"], {"ours": grading.ours, "peer": grading.peer})
        gates = grading.gates()
    what = f"grading {asked['submissions']} submissions, CPU time of nbgrader autograde by that of classroom grade"
    full = all(asked[name] >= least for name, least in FULL.items())
    return conclude("G7", what, GOAL, costs, gates, {"assignment": ASSIGNMENT, **asked}, full)


def class_of(number):
    """{learner: {file: text}} of so many hand-ins, each with another text. The first third has everything right."""
    path = next((ROOT / "solutions" / ASSIGNMENT).glob("*.ipynb"))
    source = nbformat.read(path, as_version=4)
    check = importlib.import_module(f"seq2bert.checks.{ASSIGNMENT.split('_', 1)[1]}")
    solved = {cell.id: cell.source for cell in source.cells if cell.id in check.TASKS}
    answers = {task: [text, replace_body(text, STUB)] for task, text in solved.items()}
    for old, new, _ in check.WRONG_LEARNERS.values():
        for task, text in solved.items():
            if old in text:
                answers[task].append(text.replace(old, new))
    files, found = check.files_to_hand_in(), {}
    for index in range(number):
        choose = random.Random(index)
        learner = f"learner-{index:03}"
        right = 3 * index < number
        cells = {
            task: f"# {learner}, {task}\n" + (texts[0] if right else choose.choice(texts))
            for task, texts in answers.items()
        }
        with_files = right or choose.random() < 0.7
        found[learner] = {path.name: render(source, cells), **(files if with_files else {})}
    return found


class Grading:
    """A class to be graded by both, over and over from the beginning."""

    def __init__(self, folder, submissions):
        self.folder, self.marks = folder, {}
        self.log = ROOT / "_build" / "logs" / "bench_grading.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        (folder / "class" / "submitted").mkdir(parents=True)
        cpu_seconds(self._command(folder / "class"), self.log)  # of nobody: it fills in the assignment
        write_submissions(folder / "class", submissions)
        peer = folder / "course"
        shutil.copytree(ROOT / "solutions" / ASSIGNMENT, peer / "source" / ASSIGNMENT)
        (peer / "nbgrader_config.py").write_text("c = get_config()\n")
        cpu_seconds(["nbgrader", "generate_assignment", ASSIGNMENT], self.log, peer)
        write_submissions(peer, submissions)

    @staticmethod
    def _command(class_dir):
        return ["classroom", "grade", ASSIGNMENT, "--course", ROOT, "--class-dir", class_dir, "--workers", "1"]

    def ours(self, number):
        fresh = self._fresh("class", number)
        seconds = cpu_seconds(self._command(fresh), self.log)
        results = [json.loads(path.read_text()) for path in fresh.glob(f"results/*/{ASSIGNMENT}.json")]
        self.marks["ours", number] = {
            (result["learner"], task["grade_id"]): task["points"] for result in results for task in result["tasks"]
        }
        self.states = {result["state"] for result in results}
        self.layers = {layer for result in results for layer in result["layers"]}
        return seconds

    def peer(self, number):
        fresh = self._fresh("course", number)
        # The notebook reads the variable: it leaves out the training, of which the files are handed in.
        command = ["nbgrader", "autograde", ASSIGNMENT]
        seconds = cpu_seconds(command, self.log, fresh, CLASSROOM_GRADING="1")
        with sqlite3.connect(fresh / "gradebook.db") as book:
            self.marks["peer", number] = {(learner, name): score for learner, name, score in book.execute(SCORES)}
        return seconds

    def _fresh(self, name, number):
        copy = self.folder / f"{name}-{number}"
        shutil.copytree(self.folder / name, copy)
        return copy

    def gates(self):
        first, *others = self.marks.values()
        return {
            "same marks": bool(first) and all(marks == first for marks in others),
            "no limit hit": self.states == {"graded"},
            "all layers on": self.layers == set(MODES["bubblewrap"]),
        }


SCORES = """
    SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN base_cell ON base_cell.id = grade.cell_id
"""


def write_submissions(folder, submissions):
    for learner, files in submissions.items():
        place = folder / "submitted" / learner / ASSIGNMENT
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(not main())
