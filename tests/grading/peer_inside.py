"""A peer under attack, seen from inside its container: hand in, grade, look what came of it.

    python peer_inside.py PEER prepare   builds the range in /range and grades the bystanders: where attacks start from
    python peer_inside.py PEER ATTACK... attacks between two bystanders; what they achieved goes to /out/verdicts.json

It runs as the first process of the container, which no signal of the others can end.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing, suppress
from pathlib import Path

sys.path.insert(0, "/harness")
from tests.grading import corpus, witness

ROOT, OUT = Path("/range"), Path("/out")
FIRST, LAST = "aaa_first", "zzz_last"
CELL_SECONDS, SUBMISSION_SECONDS = 15, 90  # the second is what somebody would wait who watches


class Peer:
    """What two peers have in common: a class folder, commands with a time limit."""

    def __init__(self, the_range):
        self.range, self.folder = the_range, ROOT / "class"
        self.printed = ""

    def run(self, *command, limit=SUBMISSION_SECONDS):
        """The exit code of a command; None if it had to be stopped."""
        environment = {
            "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "HOME": str(self.range.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.range.course / "src"),
            "RANGE_SECRET": self.range.canaries["environment"],
            "OMP_NUM_THREADS": "1",
        }
        with open(OUT / "printed", "wb+") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            end = time.monotonic() + limit
            while process.poll() is None and time.monotonic() < end:
                reap(process.pid)
                time.sleep(0.05)
            code = process.poll()
            if code is None:
                process.kill()
                process.wait()
            log.seek(0)
            self.printed += log.read(5_000_000).decode("utf-8", "replace")
        return code


class Nbgrader(Peer):
    """Stock nbgrader, as its documentation sets it up, with a shorter time limit of a cell."""

    def prepare(self):
        self.folder.mkdir()
        shutil.copytree(self.range.course / "source", self.folder / "source")
        corpus.write(
            self.folder / "nbgrader_config.py",
            "c = get_config()\n"
            f"c.CourseDirectory.root = {str(self.folder)!r}\n"
            f"c.ExecutePreprocessor.timeout = {CELL_SECONDS}\n"
            'c.FileNameCollectorPlugin.named_regexp = r".*/extracted/(?P<student_id>[^/]+)/(?P<file_id>.*)"\n'
            'c.FileNameCollectorPlugin.valid_ext = [".ipynb", ".txt", ".json"]\n',
        )
        if self.run("nbgrader", "generate_assignment", self.range.assignment):
            sys.exit(self.printed)

    def plant(self, canary):
        """A secret into the gradebook."""
        with closing(sqlite3.connect(self.folder / "gradebook.db")) as connection, connection:
            connection.execute("update student set first_name = ?", [canary])

    def collect(self, inbox):
        archive = self.folder / "downloaded" / self.range.assignment / "archive"
        archive.parent.mkdir(parents=True)
        shutil.copytree(inbox, archive)
        self.run("nbgrader", "zip_collect", self.range.assignment, "--force")

    def grade_all(self, number):
        self.run("nbgrader", "autograde", self.range.assignment, limit=number * SUBMISSION_SECONDS)

    def grade(self, learner):
        self.run("nbgrader", "autograde", self.range.assignment, "--student", learner)

    def after(self, learner):
        self.run("nbgrader", "generate_feedback", self.range.assignment, "--student", learner, "--force")

    def rows(self, learner):
        """What the gradebook holds of a learner, without what a person is to grade; [] if nothing."""
        rows = witness.grade_rows(self.folder / "gradebook.db").get(learner, [])
        whole = (self.folder / "autograded" / learner / self.range.assignment / "range.ipynb").exists()
        return [list(row) for row in rows if row[0] != "essay"] if whole else []

    def points(self, learner):
        rows = witness.grade_rows(self.folder / "gradebook.db").get(learner, [])
        return sum((hand if hand is not None else own) or 0 for name, own, hand in rows if name != "essay")

    def texts(self, learner):
        """(texts that the learner sees, texts with outputs, pages)."""
        pages = list(witness.texts_below(self.folder / "feedback" / learner).values())
        executed = witness.texts_below(self.folder / "autograded" / learner)
        said = [witness.outputs(text) for text in executed.values()]
        return pages or said, said, pages  # a page shows all outputs


class Otter(Peer):
    """otter-grader without Docker: `otter run` for one submission after the other."""

    def prepare(self):
        self.folder.mkdir()
        with zipfile.ZipFile(self.folder / "autograder.zip", "w") as archive:
            archive.writestr("otter_config.json", json.dumps({"pdf": False, "zips": False}))
            for name, text in otter_tests(self.range).items():
                archive.writestr(f"tests/{name}.py", text)

    def plant(self, canary):
        pass

    def collect(self, inbox):
        for path in sorted(inbox.iterdir()):
            if path.suffix == ".zip":
                target = self.folder / "submitted" / path.stem / self.range.assignment
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target / "posted.zip")

    def grade_all(self, number):
        for learner in sorted(os.listdir(self.folder / "submitted")):
            if not self.rows(learner):
                self.grade(learner)

    def grade(self, learner):
        submission = self.folder / "submitted" / learner / self.range.assignment
        out = self.folder / "results" / learner
        out.mkdir(parents=True, exist_ok=True)
        packed = submission / "posted.zip"
        if not packed.exists():  # what a learner would hand in: a zip of the notebook and what belongs to it
            packed = ROOT / f"{learner}.zip"
            with zipfile.ZipFile(packed, "w", strict_timestamps=False) as archive:
                for path in sorted(submission.rglob("*")):
                    archive.write(path, path.relative_to(submission))
        keep = (
            "import json, pathlib, sys\n"
            "from otter.run import main\n"
            "done = main(sys.argv[1], autograder=sys.argv[2], output_dir=sys.argv[3], no_logo=True)\n"
            "pathlib.Path(sys.argv[3], 'executed.ipynb').write_text(json.dumps(done.notebook))\n"
        )
        self.run("python", "-c", keep, str(packed), str(self.folder / "autograder.zip"), str(out))

    def after(self, learner):
        pass

    def _result(self, learner):
        with suppress(OSError, ValueError):
            return json.loads((self.folder / "results" / learner / "results.json").read_text())
        return {}

    def rows(self, learner):
        return [[test["name"], test.get("score")] for test in self._result(learner).get("tests", [])]

    def points(self, learner):
        result = self._result(learner)
        with suppress(TypeError, KeyError):
            return float(result["score"]) if "score" in result else sum(t.get("score") or 0 for t in result["tests"])
        return 0.0

    def texts(self, learner):
        tests = self._result(learner).get("tests", [])
        seen = [json.dumps([test for test in tests if test.get("visibility") != "hidden"], ensure_ascii=False)]
        executed = self.folder / "results" / learner / "executed.ipynb"
        said = [witness.outputs(executed.read_text())] if executed.exists() else []
        return seen, said + seen, []


PEERS = {"nbgrader": Nbgrader, "otter": Otter}
HEAD = """OK_FORMAT = False
import json
import random

import numpy as np
import torch
from otter.test_files import test_case
from rangelib import checks as check

name = {name!r}
points = None
"""
# Tests with partial credit, which otter gives by the test case.
PARTS = {
    "letter_visible": [
        f"assert letter({mark}) == {letter!r}" for mark, letter in [(95, "A"), (85, "B"), (75, "C"), (5, "F")]
    ],
    "letter_hidden": ["mark = random.randint(0, 100)\nassert letter(mark) == check.letter(mark)"] * 4,
    "estimate_hidden": [
        "numbers = [random.randint(0, 99) for _ in range(4)]\nassert estimate(numbers) == check.estimate(numbers)"
    ],
    "predictions_hidden": [
        f"assert json.load(open('predictions.json'))[{place}] == check.LABELS[{place}]" for place in range(20)
    ],
}


def otter_tests(the_range):
    """{name: text of a test file}: the range's tests in otter's format, as its documentation writes them."""
    files = {}
    for name, task in the_range.tasks.items():
        if name == "essay":
            continue
        text = HEAD.format(name=name)
        for kind in ("visible", "hidden"):
            hidden = kind == "hidden"
            bodies = PARTS.get(f"{name}_{kind}", [task[kind]["test"].strip()])
            for number, body in enumerate(bodies):
                points = task[kind]["points"] / len(bodies)
                canary = f"# {the_range.canaries['hidden']}\n" if hidden else ""
                lines = "\n".join(f"    {line}" for line in (canary + body).splitlines())
                argument = "" if name == "predictions" else name
                text += f"\n\n@test_case(points={points}, hidden={hidden})\n"
                text += f"def test_{kind}_{number}({argument}):\n{lines}\n"
        files[name] = text
    return files


def packable(folder):
    """Whether all of a submission is files and folders, with names that a zip can hold."""
    everything = folder.rglob("*") if not folder.is_symlink() else [folder]
    with suppress(RecursionError, UnicodeEncodeError):
        return all(str(p).encode() and not p.is_symlink() and (p.is_file() or p.is_dir()) for p in everything)
    return False


def reap(but):
    """Bury what has ended, other than one child that somebody waits for."""
    with suppress(OSError):
        while True:
            waiting = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if waiting is None or waiting.si_pid == but:
                return
            os.waitpid(waiting.si_pid, 0)


def others():
    """Names of the processes in this container, but for this one and what has ended."""
    end = time.monotonic() + 3
    while True:
        reap(0)
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                if int(pid) != os.getpid() and state not in "ZX":
                    found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def end_all():
    for pid in others():
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def prepare(kind):
    the_range = corpus.Range(ROOT).build()
    peer = kind(the_range)
    peer.prepare()
    inbox = ROOT / "inbox"
    inbox.mkdir()
    reference = {}
    for learner in (FIRST, LAST):
        the_range.hand_in_honestly(peer.folder, inbox, [learner])
        peer.grade_all(1)
        reference[learner] = peer.rows(learner)
        points, right = peer.points(learner), the_range.points("all")
        if points != right:
            sys.exit(f"{learner} got {points} of {right} without any attack:\n{peer.printed[-3000:]}")
        peer.after(learner)
        seen, _, _ = peer.texts(learner)
        reference[f"{learner} sees"] = [n for n, s in the_range.canaries.items() if any(s in text for text in seen)]
        if learner == FIRST:
            (peer.folder / "for-graders.txt").write_text(the_range.canaries["class"])
            keep = OUT / "template"
            shutil.copytree(ROOT, keep, symlinks=True)
    (OUT / "known.json").write_text(json.dumps({"secrets": the_range.all_secrets(), "reference": reference}))


def attack(kind, ids):
    """Some attacks in one class. Where several disturb each other or what is around them, nothing is said of them."""
    known = json.loads(Path("/base/known.json").read_text())
    subprocess.run(["cp", "-R", "-P", "/base/template/.", str(ROOT)], check=True)
    the_range = corpus.Range(ROOT, known["secrets"])
    peer, attacks, inbox = kind(the_range), corpus.load(ids), ROOT / "inbox"
    verdicts, around = {}, []
    (OUT / "ready").touch()
    with closing(witness.Listeners(ROOT)) as listeners:
        places = {"class": peer.folder, "course": the_range.course, "home": the_range.home, **listeners.places()}
        peer.plant(the_range.canaries["gradebook"])
        the_range.hand_in_honestly(peer.folder, inbox, [LAST])
        for one in list(attacks):
            the_range.hand_in(one, peer.folder, inbox, places)
            if kind is Otter and not packable(peer.folder / "submitted" / one.learner):
                verdicts[one.id] = {"skipped": "no zip can hold what it hands in"}
                attacks.remove(one)
                subprocess.run(["rm", "-rf", str(peer.folder / "submitted" / one.learner)])
        guarded = [the_range.course, peer.folder / "for-graders.txt", peer.folder / "source"]
        guarded += [the_range.home / "secret.txt", the_range.home / ".netrc"]
        guarded += [peer.folder / "submitted" / name for name in (FIRST, LAST)]
        before = witness.fingerprint(*guarded)
        if any(inbox.iterdir()):
            peer.collect(inbox)
        peer.grade_all(len(attacks) + 1)
        around += [["process", name[:200]] for name in others().values()]
        end_all()
        if not peer.rows(LAST):
            around.append(["stop", f"{LAST}, who comes after it, was not graded in the same run"])
            if len(attacks) == 1:
                peer.grade(LAST)
        for learner in (FIRST, LAST):
            if peer.rows(learner) != known["reference"][learner]:
                around.append(["harm", f"the marks of {learner} are others, or gone"])
        if any(witness.CONTROL.search(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", peer.printed).splitlines()):
            around.append(["harm", "control characters were printed on the grader's terminal"])
        if around and len(attacks) > 1:
            return
        for one in attacks:
            if not peer.rows(one.learner):
                peer.grade(one.learner)
            texts = [one.code, one.build, *one.answers.values(), *one.files.values()]
            if any("inject-" in text for text in texts) or "quotes" in one.id:
                peer.after(one.learner)
            end_all()
        time.sleep(0.2)
    around += [["harm", what] for what in witness.changes(before, witness.fingerprint(*guarded))]
    markers = witness.markers((), [peer.folder, the_range.course, the_range.home])
    for one in attacks:
        found = list(around) + what_came_of(one, peer, the_range, known["reference"][f"{LAST} sees"])
        for said in listeners.heard:
            if said.split(" ")[0] == one.id or len(attacks) == 1:
                found.append(["leak", f"somebody outside heard {said[:80]!r}"])
        if one.marker in markers:
            found.append(["harm", f"it wrote {one.marker} into {markers[one.marker]}"])
        deserved = the_range.deserved(one)
        verdicts[one.id] = {"points": peer.points(one.learner), "deserved": deserved, "found": found}
    (OUT / "verdicts.json").write_text(json.dumps(verdicts))


def what_came_of(one, peer, the_range, everybody):
    """[[kind, sentence]] of one attack; what any learner is shown (`everybody`) is not its achievement."""
    found, points = [], peer.points(one.learner)
    if points > the_range.deserved(one) + 1e-9:
        found.append(["mark", f"{points:g} where {the_range.deserved(one):g} are deserved"])
    seen, said, pages = peer.texts(one.learner)
    secret = {k: v for k, v in the_range.canaries.items() if k not in everybody or "quotes" in one.id}
    found += witness.evidence(one, seen, said, pages, secret)
    size = sum(witness.size_below(peer.folder / k / one.learner) for k in ("autograded", "feedback", "results"))
    if size > witness.LARGE_RECORD:
        found.append(["harm", f"its record takes {size / 1e6:.0f} MB"])
    return found


if __name__ == "__main__":
    what = PEERS[sys.argv[1]]
    prepare(what) if sys.argv[2] == "prepare" else attack(what, sys.argv[2:])
