"""Hand in every attack of the corpus beside honest work, grade the class, and count what the attacks achieved.

    python -m tests.grading.run_attacks [--peer nbgrader|otter] [--only ID]... [--progress] [--json FILE] [--record]

The last line says it all; the exit code is 1 unless all of its numbers but the first are 0.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.grading import corpus, witness

ROOT = Path(__file__).parents[2]
KINDS = {
    "mark": "undeserved marks",
    "leak": "leaks",
    "harm": "others harmed",
    "stop": "batches stopped",
    "process": "processes left",
}
CELL_SECONDS, NOTEBOOK_SECONDS, PATIENCE = 6, 18, 35
LIMITS = {"--cell-seconds": CELL_SECONDS, "--notebook-seconds": NOTEBOOK_SECONDS, "--memory-mb": 2048}
LIMITS |= {"--disk-mb": 64, "--processes": 64}


@dataclass
class Verdict:
    """What came of one attack. `found` holds [kind, sentence]: kinds of KINDS are successes, "other" is a flaw."""

    id: str
    theme: str
    state: str = ""
    points: float = 0.0
    deserved: float = 0.0
    seconds: float = 0.0
    found: list = field(default_factory=list)

    @property
    def succeeded(self):
        return any(kind in KINDS for kind, _ in self.found)


@dataclass
class Report:
    """All verdicts, and what could not be put down to one attack."""

    grader: str
    verdicts: list
    unclaimed: list = field(default_factory=list)
    seconds: float = 0.0

    def count(self, kind):
        """How many attacks achieved this, and how often it happened without an attack to put it down to."""
        claimed = sum(any(k == kind for k, _ in verdict.found) for verdict in self.verdicts)
        return claimed + sum(k == kind for k, _ in self.unclaimed)

    def line(self):
        numbers = ", ".join(f"{self.count(kind)} {words}" for kind, words in KINDS.items())
        return f"{len(self.verdicts)} attacks: {numbers}"

    def clean(self):
        return not self.unclaimed and not any(verdict.found for verdict in self.verdicts)

    def rows(self):
        """One row a theme: how many attacks there are, how many achieved anything."""
        rows = []
        for theme, title in corpus.themes().items():
            own = [verdict for verdict in self.verdicts if verdict.theme == theme]
            if own:
                succeeded = sum(verdict.succeeded for verdict in own)
                rows.append({"theme": title, "grader": self.grader, "attacks": len(own), "succeeded": succeeded})
        return rows


class Class:
    """A class folder with an inbox beside it, graded by `classroom` in processes of its own."""

    def __init__(self, the_range, name):
        self.range = the_range
        self.folder, self.inbox = the_range.root / name, the_range.root / f"inbox-{name}"
        self.folder.mkdir()
        self.inbox.mkdir()

    def run(self, *arguments, limit=3600, show=False):
        """(exit code, what it printed) of a `classroom` command."""
        command = [str(Path(sys.executable).with_name("classroom")), *map(str, arguments)]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.range.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.range.course / "src"),
            "RANGE_SECRET": self.range.canaries["environment"],
        }
        said = []
        with subprocess.Popen(
            command, cwd=self.range.course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, errors="surrogateescape", start_new_session=True,
        ) as process:  # fmt: skip
            timer = _kill_later(process, limit)
            for line in process.stdout:
                said.append(line)
                if show:
                    print(repr(line.rstrip("\n"))[1:-1], flush=True)
            timer.cancel()
        return process.returncode, "".join(said)

    def collect(self):
        return self.run("collect", self.inbox, self.range.assignment, "--class-dir", self.folder)

    def grade(self, workers, show=False):
        limits = [str(part) for item in LIMITS.items() for part in item]
        where = ["grade", self.range.assignment, "--class-dir", self.folder]
        return self.run(*where, "--regrade", "--workers", workers, *limits, show=show)

    def feedback(self):
        return self.run("feedback", self.range.assignment, "--class-dir", self.folder)

    def result(self, learner):
        try:
            text = (self.folder / "results" / learner / f"{self.range.assignment}.json").read_text(encoding="utf-8")
            return json.loads(text)
        except (OSError, ValueError):
            return None

    def marks(self, learner):
        """What must not differ for an honest learner, whoever else hands in."""
        result = self.result(learner) or {}
        keep = ("grade_id", "points", "message", "max_points")
        tasks = [[task[key] for key in keep] for task in result.get("tasks", [])]
        return {"state": result.get("state"), "reason": result.get("reason"), "tasks": tasks}

    def quarantined(self):
        """{name of a thing in the inbox: why it was refused}."""
        reasons = [json.loads(p.read_text()) for p in (self.folder / "quarantine").glob("*/reason.json")]
        return {reason["source"].split("/", 1)[-1]: reason["reason"] for reason in reasons}


def _kill_later(process, seconds):
    import threading

    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    return timer


@contextmanager
def built_range(keep=None):
    """A Range in a temporary folder that everybody may enter, so that no permission does the sandbox's work.

    With `keep`, its class folder is copied there at the end.
    """
    root = Path(tempfile.mkdtemp(prefix="range-")).resolve()
    root.chmod(0o755)
    try:
        yield corpus.Range(root).build()
    finally:
        if keep:
            subprocess.run(["cp", "-r", str(root / "class"), str(keep)])
        subprocess.run(["chmod", "-R", "u+rwX", str(root)], capture_output=True)
        subprocess.run(["rm", "-rf", str(root)])  # some of it is deeper than Python can go


def run_ours(attacks, workers=2, progress=False, keep=None):
    """Grade all attacks and the honest bystanders as one class; returns a Report."""
    started = time.monotonic()
    witness.adopt_orphans()
    with built_range(keep) as the_range, closing(witness.Listeners(the_range.root)) as listeners:
        quiet = Class(the_range, "quiet")
        for step in (["release", the_range.assignment],):
            _must(quiet.run(*step))
        the_range.hand_in_honestly(quiet.folder, quiet.inbox)
        _must(quiet.collect())
        _must(quiet.grade(workers))
        for learner, right in the_range.content["bystanders"].items():
            result = quiet.result(learner)
            if result["total"] != the_range.points(right):
                _must((1, f"{learner} got {result['total']}, not {the_range.points(right)}: {result['reason']}"))
        shutil.copytree(quiet.folder, the_range.root / "class")
        run = _Run(the_range, listeners, quiet, attacks)
        return Report("classroom", *run.go(workers, progress), time.monotonic() - started)


def _must(outcome):
    code, said = outcome
    if code:
        sys.exit(f"the range cannot be graded even without attacks (exit code {code}):\n{said}")


class _Run:
    """One grading of the whole corpus, and what witnesses say of it."""

    def __init__(self, the_range, listeners, quiet, attacks):
        self.range, self.listeners, self.quiet, self.attacks = the_range, listeners, quiet, attacks
        self.noisy = object.__new__(Class)
        self.noisy.range, self.noisy.folder = the_range, the_range.root / "class"
        self.noisy.inbox = the_range.root / "inbox-class"
        self.noisy.inbox.mkdir()
        self.verdicts = {a.id: Verdict(a.id, a.theme, deserved=the_range.deserved(a)) for a in attacks}
        self.unclaimed, self.posted = [], defaultdict(list)

    def go(self, workers, progress):
        folder = self.noisy.folder
        self._plant_canaries()
        places = {"class": folder, "course": self.range.course, "home": self.range.home, **self.listeners.places()}
        for attack in self.attacks:
            before = set(os.listdir(self.noisy.inbox))
            self.range.hand_in(attack, folder, self.noisy.inbox, places)
            self.posted[attack.id] = sorted(set(os.listdir(self.noisy.inbox)) - before)
        code, said = self.noisy.collect()
        if code not in (0, 1):
            self.unclaimed.append(["stop", f"collect ended with exit code {code}: {said[-300:]}"])
        bystanders = list(self.range.content["bystanders"])
        guarded = [self.range.course, self.range.home, folder / "for-graders.txt", folder / "course.key"]
        guarded += [folder / "submitted" / name for name in bystanders]
        before = witness.fingerprint(*guarded)
        code, said = self.noisy.grade(workers, progress)
        if code:
            self.unclaimed.append(["stop", f"grade ended with exit code {code}: {said[-500:]}"])
        self.unclaimed += [["process", name] for name in witness.left_running()]
        code, more = self.noisy.feedback()
        if code:
            self.unclaimed.append(["stop", f"feedback ended with exit code {code}: {more[-500:]}"])
        said += more
        for what in witness.changes(before, witness.fingerprint(*guarded)):
            self.unclaimed.append(["harm", what])
        self._look_at_bystanders(bystanders)
        for attack in self.attacks:
            self._look_at(attack)
        self._look_outside(said)
        return list(self.verdicts.values()), self.unclaimed

    def _plant_canaries(self):
        folder = self.noisy.folder
        (folder / "for-graders.txt").write_text(self.range.canaries["class"])
        with closing(sqlite3.connect(folder / "gradebook.db")) as connection, connection:
            connection.execute("update student set first_name = ?", [self.range.canaries["gradebook"]])
        self.secrets = dict(self.range.canaries, key=(folder / "course.key").read_text().strip())

    def _blame(self, attack_id, kind, sentence):
        verdict = self.verdicts.get(attack_id)
        (verdict.found if verdict else self.unclaimed).append([kind, sentence])

    def _look_at_bystanders(self, bystanders):
        then, now = (witness.grade_rows(c.folder / "gradebook.db") for c in (self.quiet, self.noisy))
        for name in bystanders:
            for key, value in self.noisy.marks(name).items():
                if value != self.quiet.marks(name)[key]:
                    self.unclaimed.append(["harm", f"of {name}, {key} is another: {value}"])
            if now.get(name) != then.get(name):
                self.unclaimed.append(["harm", f"the gradebook's rows of {name} are others"])
        self.rows = now

    def _look_at(self, attack):
        verdict, found = self.verdicts[attack.id], self.verdicts[attack.id].found
        result = self.noisy.result(attack.learner)
        folders = [self.noisy.folder / kind / attack.learner for kind in ("results", "autograded", "feedback")]
        if result is None:
            self._look_at_post(attack, verdict)
            return
        verdict.state, verdict.points, verdict.seconds = result["state"], result["total"], result["seconds"]
        booked = sum((hand if hand is not None else own) or 0 for _, own, hand in self.rows.get(attack.learner, []))
        got = max(verdict.points, booked)
        if got > verdict.deserved + 1e-9:
            gained = [f"{t['grade_id']} {t['points']:g}" for t in result["tasks"] if t["points"]]
            found.append(["mark", f"{got:g} where {verdict.deserved:g} are deserved: {', '.join(gained)}"])
        if verdict.points < self.range.kept(attack) - 1e-9:
            lost = [f"{t['grade_id']}: {t['message']}" for t in result["tasks"] if t["points"] == 0 and _of(t, attack)]
            found.append(["other", f"{verdict.points:g} of {self.range.kept(attack):g} honest points kept: {lost}"])
        if verdict.state not in attack.states:
            found.append(["other", f"ended as {verdict.state} ({result['reason']}), not as {', '.join(attack.states)}"])
        if verdict.state != "graded" and not result["reason"]:
            found.append(["other", f"ended as {verdict.state} without a reason"])
        if verdict.seconds > NOTEBOOK_SECONDS + PATIENCE:
            found.append(["harm", f"held the grader for {verdict.seconds:g} s"])
        self._look_for_secrets(attack, folders, result)

    def _look_at_post(self, attack, verdict):
        """What came of an attack that sent archives, under its own name or others."""
        refused = self.noisy.quarantined()
        for name in self.posted[attack.id]:
            printable = "".join(character if character.isprintable() else "?" for character in name)
            if printable not in refused and self.noisy.result(Path(name).stem) is None:
                verdict.found.append(["stop", f"{name} ended in no state"])
        verdict.state = "quarantined" if self.posted[attack.id] else ""
        if not verdict.state:
            verdict.found.append(["stop", "it ended in no state"])

    def _look_for_secrets(self, attack, folders, result):
        said = [json.dumps([result["reason"], result["tasks"], result["set_aside"]], ensure_ascii=False)]
        seen, pages = list(said), []
        for folder in folders[1:]:
            for path, text in witness.texts_below(folder).items():
                notebook = path.endswith(".ipynb")
                seen.append(witness.shown(text) if notebook else text)
                said.append(witness.outputs(text) if notebook else text)
                pages += [text] if path.endswith(".html") else []
        words = [result["reason"], *(str(task[key]) for task in result["tasks"] for key in ("message", "mistake"))]
        found = self.verdicts[attack.id].found
        found += witness.evidence(attack, seen, said, pages, self.secrets, words)
        size = sum(witness.size_below(folder) for folder in folders)
        if size > witness.LARGE_RECORD:
            found.append(["harm", f"its record takes {size / 1e6:.0f} MB"])

    def _look_outside(self, printed):
        for said in self.listeners.heard:
            self._blame(said.split(" ")[0], "leak", f"somebody outside heard {said[:80]!r}")
        deep = [self.noisy.folder, self.quiet.folder, self.range.course, self.range.home]
        for name, place in witness.markers(witness.PUBLIC_PLACES, deep).items():
            self._blame(name.removeprefix("marker-of-"), "harm", f"it wrote {name} into {place}")
        for name, secret in self.secrets.items():
            if secret in printed:
                self.unclaimed.append(["leak", f"the secret '{name}' was printed by the grader"])
        for line in printed.splitlines():
            if witness.CONTROL.search(line):
                self.unclaimed.append(["harm", f"the grader printed control characters: {line[:200]!r}"])


def _of(task, attack):
    return any(task["grade_id"] in (f"{name}_visible", f"{name}_hidden") for name in attack.honest)


def versions():
    from importlib.metadata import version

    found = {name: version(name) for name in ("nbgrader", "torch", "numpy")}
    return {"python": ".".join(map(str, sys.version_info[:3])), **found}


def record(report, path):
    """Put a report into book/results/attacks.json, beside those of other graders."""
    from seq2bert.results import summarise, write_record

    old = json.loads(path.read_text()) if path.exists() else {"rows": [], "metrics": {}, "graders": {}}
    rows = [row for row in old["rows"] if row["grader"] != report.grader] + report.rows()
    mine = {f"{report.grader}: {words}": summarise([report.count(kind)]) for kind, words in KINDS.items()}
    mine[f"{report.grader}: attacks"] = summarise([len(report.verdicts)])
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    content = {
        "name": "attacks",
        "profile": "full",
        "command": "make attacks",
        "commit": commit.stdout.strip(),
        "seeds": [0],
        "settings": {name.strip("-"): value for name, value in LIMITS.items()},
        "metrics": {**old["metrics"], **mine},
        "rows": sorted(rows, key=lambda row: list(corpus.themes().values()).index(row["theme"])),
        "graders": {**old["graders"], report.grader: {"line": report.line(), "version": report_version(report)}},
        "device": "CPU",
        "dtype": "none",
        "libraries": versions(),
        "wall_seconds": round(report.seconds, 1),
        "cpu_seconds": round(sum(os.times()[:4]), 1),
        "peak_memory_mib": 0,
        "data": {},
    }
    if report.grader != "classroom" and "command" in old:  # how long it took, and where, is said of our own run
        content = {**old, **{name: content[name] for name in ("metrics", "rows", "graders")}}
    write_record(path, content)


def report_version(report):
    from importlib.metadata import version

    if report.grader == "otter":
        from tests.grading.peers import OTTER

        return OTTER
    return version("seq2bert" if report.grader == "classroom" else report.grader)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=["nbgrader", "otter"], help="attack this grader instead, in a container")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="an id, a pattern of ids or a theme")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--progress", action="store_true", help="one line an attack")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy the graded class there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all verdicts there")
    parser.add_argument("--record", action="store_true", help="write book/results/attacks.json")
    options = parser.parse_args(arguments)
    attacks = [a for a in corpus.load(options.only) if not (options.peer and a.only == "ours")]
    if not attacks:
        sys.exit(f"no attack is called {' or '.join(options.only)}")
    if options.peer:
        from tests.grading.peers import run_peer

        report = run_peer(options.peer, attacks, options.workers, options.progress)
    else:
        report = run_ours(attacks, options.workers, options.progress, options.keep)
    for verdict in report.verdicts:
        for kind, sentence in verdict.found:
            print(f"{verdict.theme}/{verdict.id}: {KINDS.get(kind, 'not as it should be')}: {sentence[:300]}")
    for kind, sentence in report.unclaimed:
        print(f"(nobody's): {KINDS[kind]}: {sentence[:300]}")
    if options.json:
        options.json.write_text(json.dumps(asdict(report), indent=1))
    if options.record:
        record(report, ROOT / "book" / "results" / "attacks.json")
    print(report.line())
    return 0 if report.clean() else 1


if __name__ == "__main__":
    sys.exit(main())
