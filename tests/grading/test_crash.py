"""A grader that is killed anywhere, or finds no room, goes on where it was: the same marks, nothing twice.

Most of these runs pretend to examine: what is tried here is what is written down, and when. The last ones are real.
"""

import functools
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import closing
from types import SimpleNamespace

import killer
import nbgrader.api  # noqa: F401  (imported once, before all forks)
import pytest
import sqlalchemy as sa

from classroom import cells, cli, database, engines, examiner, gradebook, kernel
from classroom.course import ClassroomError
from classroom.files import read_json, write_json
from classroom.grade import grade
from classroom.results import GRADED, LIMITED, WAITS, read_results
from tests.classroom.tiny_course import NAME, RIGHT, RIGHT_ADD, SLUG, answered, write

pytestmark = [pytest.mark.course, pytest.mark.grading_long]
NOTEBOOK = f"{NAME}.ipynb"
OPERATIONS = [
    (os, "replace"), (os, "rename"), (os, "fsync"), (os, "chmod"), (os, "mkdir"), (os, "unlink"), (os, "rmdir"),
    (tempfile, "mkstemp"), (tempfile, "mkdtemp"), (shutil, "rmtree"),
]  # fmt: skip


class Pretended:
    """An engine that marks at once: what it says of a submission depends on nothing but its files."""

    layers = ("pretended",)

    def __init__(self, seconds):
        self.seconds = seconds

    def examine(self, learners, read):
        for learner in learners:
            files = read(learner)
            if isinstance(files, str) or b"cells" not in files[NOTEBOOK]:
                reason = files if isinstance(files, str) else "it is no notebook"
                yield learner, {**examiner.quarantined(reason), "seconds": self.seconds}
                continue
            number = hashlib.sha256(files[NOTEBOOK]).digest()[0]
            points = {"add_visible": 2.0, "add_hidden": number % 4, "scale_visible": 0.0, "scale_hidden": None}
            more = {"message": f"said of {number}", "mistake": "", "seed": number}
            yield (
                learner,
                {
                    "state": LIMITED if number % 3 == 0 else GRADED,
                    "reason": "it ran too long" if number % 3 == 0 else "",
                    "notebooks": {NOTEBOOK: files[NOTEBOOK]},
                    "marks": [{"notebook": NAME, "grade_id": name, "points": p, **more} for name, p in points.items()],
                    "set_aside": [],
                    "seconds": self.seconds,
                },
            )

    def close(self):
        pass


def forked(work):
    """What became of work() in a fork: (exit status, text that it said)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.dup2(writer, 2)
            os.close(writer)
            sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
            os._exit(work() or 0)
        except ClassroomError as error:
            print(error, file=sys.stderr)
            os._exit(error.exit_code)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(70)
    os.close(writer)
    with open(reader) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def count_steps(act):
    """Call act() before every operation on files, every statement to the gradebook and every commit."""

    def counted(function):
        @functools.wraps(function)
        def call(*arguments, **options):
            act()
            return function(*arguments, **options)

        return call

    for module, name in OPERATIONS:
        setattr(module, name, counted(getattr(module, name)))
    for name in ("before_cursor_execute", "commit", "rollback"):
        sa.event.listen(sa.Engine, name, lambda *_: act())


def run(course, folder, kill_at=None, seconds=1.0, **options):
    """Grade in a fork that kills itself at a step; returns (exit status, what it said, steps that it took)."""
    taken = folder.with_name(f"{folder.name}.steps")
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def work():
        engines.engine_of = lambda *_: Pretended(seconds)
        count_steps(step)
        grade(course, SLUG, folder, **options)
        taken.write_text(str(steps))

    status, said = forked(work)
    return status, said, int(taken.read_text()) if status == 0 else 0


def finish(course, folder, **options):
    status, said, _ = run(course, folder, **options)
    assert status == 0, said


def whole(folder):
    """Everything that a class holds, as one that was never disturbed holds it: no seconds, no ids drawn at random."""
    results = [{k: v for k, v in result.items() if k != "seconds"} for result in read_results(folder, SLUG)]
    with closing(sqlite3.connect(folder / "gradebook.db")) as book:
        tables = [name for (name,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: book.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables}
        assert book.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    return {
        "results": results,
        "marks": gradebook.marks(gradebook.url_of(folder), SLUG),
        "rows": rows,
        "notebooks": {p.relative_to(folder): p.read_bytes() for p in folder.glob("autograded/*/*/*")},
        "other": {p.name for p in folder.iterdir()},
        "hidden": [p for place in ("results", "autograded") for p in (folder / place).rglob(".*")],
    }


def copied(template, folder):
    shutil.copytree(template, folder, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def classes(course, tmp_path_factory):
    """Folders of the same class, not to be changed: handed in; prepared, too; graded, too."""
    folder = tmp_path_factory.mktemp("classes")
    kinds = [RIGHT, {"add": RIGHT_ADD}, {}, {"scale": "def scale(xs, k): 1 / 0"}]
    for number in range(12):
        content = answered(course.release / SLUG / NOTEBOOK, {**kinds[number % 4], "setup": f"number = {number}"})
        place = folder / "handed-in" / "submitted" / f"learner-{number:02d}" / SLUG
        write(place / NOTEBOOK, "{not json" if number == 7 else content)
        if number % 2:
            write(place / "timestamp.txt", f"2026-11-{number + 1:02d} 10:00:00 UTC")
    write(folder / "handed-in" / "course.key", "ab" * 32 + "\n")
    copied(folder / "handed-in", folder / "prepared")
    url = gradebook.url_of(folder / "prepared")
    gradebook.prepare(course, SLUG, url, folder)
    copied(folder / "prepared", folder / "graded")
    finish(course, folder / "graded")
    return SimpleNamespace(**{name: folder / name.replace("_", "-") for name in ("handed_in", "prepared", "graded")})


@pytest.fixture(scope="module")
def undisturbed(classes):
    found = whole(classes.graded)
    assert len(found["results"]) == len(found["marks"]) == 12
    assert found["hidden"] == []
    assert Counter(r["state"] for r in found["results"]).keys() == {GRADED, LIMITED, "quarantined"}
    return found


# Killed ---------------------------------------------------------------------------------------------------------------


def spread(total, number):
    """So many steps of all, from the first to the last."""
    return sorted({1 + round(i * (total - 1) / (number - 1)) for i in range(number)})


def check_after_kill(folder, before):
    """What must be true at any moment: whole results, and no mark that looks final and is not."""
    now = {result["learner"]: result for result in read_results(folder, SLUG)}
    new = {name for name, result in now.items() if result["seconds"] == 2 or name not in before}
    for name, result in now.items():
        if name not in new and result["state"] != WAITS:
            assert result == before[name]
    if not (folder / "gradebook.db").exists():
        return
    held = gradebook.marks(gradebook.url_of(folder), SLUG)
    for marks in held.values():
        assert len(marks.auto) == 4  # all of a submission, or nothing
    begun = new or any(result["state"] == WAITS for result in now.values())
    for name in before if begun else ():
        assert name in new or len(held[name].waiting) == 4, name
    if new and before:
        assert {name for name in before if now[name]["state"] != WAITS} == new


@pytest.mark.parametrize("part", range(4))
def test_a_first_grading_killed_anywhere(course, classes, undisturbed, tmp_path, part):
    _, _, steps = run(course, copied(classes.prepared, tmp_path / "whole"))
    assert steps > 200
    for kill_at in spread(steps, 44)[part::4]:
        folder = copied(classes.prepared, tmp_path / f"at-{kill_at}")
        assert run(course, folder, kill_at)[0] == -signal.SIGKILL
        check_after_kill(folder, {})
        finish(course, folder)
        assert whole(folder) == undisturbed, kill_at
        shutil.rmtree(folder)


@pytest.mark.parametrize("part", range(4))
def test_a_regrade_killed_anywhere_leaves_no_old_mark_unflagged(course, classes, undisturbed, tmp_path, part):
    before = {result["learner"]: result for result in read_results(classes.graded, SLUG)}
    _, _, steps = run(course, copied(classes.graded, tmp_path / "whole"), seconds=2, regrade=True)
    for kill_at in spread(steps, 44)[part::4]:
        folder = copied(classes.graded, tmp_path / f"at-{kill_at}")
        assert run(course, folder, kill_at, seconds=2, regrade=True)[0] == -signal.SIGKILL
        check_after_kill(folder, before)
        finish(course, folder, seconds=2)
        assert whole(folder) == undisturbed, kill_at
        shutil.rmtree(folder)


def test_killed_while_the_gradebook_is_made(course, classes, undisturbed, tmp_path):
    """With everything that nbgrader does to read a source, which is much and always the same."""
    generated = cells.generate(course, SLUG, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "generate", lambda *_: generated)
        _, _, steps = run(course, copied(classes.handed_in, tmp_path / "whole"))
        first, _, _ = run(course, copied(classes.prepared, tmp_path / "prepared"))
        assert first == 0
        for kill_at in range(1, 120, 8):
            folder = copied(classes.handed_in, tmp_path / f"at-{kill_at}")
            assert run(course, folder, kill_at)[0] == -signal.SIGKILL
            check_after_kill(folder, {})
            finish(course, folder)
            assert whole(folder) == undisturbed, kill_at
    assert steps > 120


def test_killed_again_and_again(course, classes, undisturbed, tmp_path):
    folder, rng = copied(classes.prepared, tmp_path / "class"), random.Random(3)
    kills = 0
    while True:
        status, said, _ = run(course, folder, rng.randint(25, 120))
        if status == 0:
            break
        assert status == -signal.SIGKILL, said
        check_after_kill(folder, {})
        kills += 1
        assert kills < 200
    assert kills > 5
    assert whole(folder) == undisturbed


def test_only_one_grades_a_class_at_a_time(course, classes, tmp_path):
    folder = copied(classes.prepared, tmp_path / "class")
    said = []

    def tell(done, total, result, skipped):
        if done == 1:
            said.append(run(course, folder)[:2])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "engine_of", lambda *_: Pretended(1.0))
        grade(course, SLUG, folder, tell=tell)
    assert said == [(2, f"something else is grading in {folder}: wait for it to end\n")]


def test_what_the_grader_failed_at_is_tried_again(course, classes, undisturbed, tmp_path):
    folder = copied(classes.prepared, tmp_path / "class")

    class Failing(Pretended):
        def examine(self, learners, read):
            for learner, answer in super().examine(learners, read):
                odd = int(learner[-2:]) % 2
                yield learner, examiner.quarantined("the grader failed", fault=True) if odd else answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "engine_of", lambda *_: Failing(1.0))
        failed = [r["learner"] for r in grade(course, SLUG, folder) if r["fault"]]
    assert len(failed) == 6
    finish(course, folder)
    assert whole(folder) == undisturbed


# No room, no permission -----------------------------------------------------------------------------------------------


def command(course, folder, *arguments, confine=lambda: None):
    """`classroom grade` in a fork, with a pretended engine: (exit status, lines that it said besides its progress)."""

    def work():
        database.PATIENCE = 0.3
        engines.engine_of = lambda *_: Pretended(1.0)
        confine()
        try:
            cli.main([*(arguments or ("grade", SLUG)), "--class-dir", str(folder), "--course", str(course.root)])
        except SystemExit as end:
            return end.code
        return None

    status, said = forked(work)
    return status, [line for line in said.splitlines() if not line.startswith("[")]


def assert_one_sentence(outcome, *words):
    status, said = outcome
    assert status == 2, said
    assert len(said) == 1, said
    assert said[0].startswith("classroom: ")
    assert any(word in said[0] for word in words), said


def nothing_lost(folder, before):
    """Every result is whole; what was graded is the same or waits to be graded again."""
    for result in read_results(folder, SLUG):
        held = before.get(result["learner"])
        assert held is None or result in (held, {**held, "state": WAITS, "reason": result["reason"]})


@pytest.mark.parametrize("size", [0, 500, 1500, 2500, 30_000])
@pytest.mark.parametrize("start", ["handed_in", "prepared", "graded"])
def test_files_that_cannot_be_written_to_their_end(course, classes, undisturbed, tmp_path, start, size):
    folder = copied(getattr(classes, start), tmp_path / "class")
    before = {result["learner"]: result for result in read_results(folder, SLUG)}
    again = ["grade", SLUG, *(["--regrade"] if before else [])]
    outcome = command(course, folder, *again, confine=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    assert_one_sentence(outcome, "File too large", "there is no space left", "cannot be written")
    nothing_lost(folder, before)
    assert command(course, folder) == (0, [])
    assert whole(folder) == undisturbed


def private_mounts():
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)


def read_only(path):
    """For an ordinary user by its mode; root, who may write everything, gets a mount that only it sees."""
    if os.geteuid():
        for inside in (path, *path.rglob("*")):
            inside.chmod(0o555 if inside.is_dir() else 0o444)
        return
    private_mounts()
    kernel.mount(str(path), str(path), "", kernel.MS_BIND)
    kernel.mount("none", str(path), "", 0x20 | 0x1 | kernel.MS_BIND)  # remount, read-only


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk; others have the test of long files")
@pytest.mark.parametrize("room", [0, 4, 40, 160])
@pytest.mark.parametrize("start", ["handed_in", "graded"])
def test_a_full_disk(course, classes, undisturbed, tmp_path, start, room):
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()

    def work():
        private_mounts()
        kernel.mount("tmpfs", str(disk), "tmpfs", 0, "size=8m")
        folder = copied(getattr(classes, start), disk / "class")
        before = {result["learner"]: result for result in read_results(folder, SLUG)}
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        (disk / "ballast").write_bytes(bytes(max(0, free - room * 1024)))
        again = ["grade", SLUG, *(["--regrade"] if before else [])]
        outcome = command(course, folder, *again)
        if room < 40 or outcome[0]:
            assert_one_sentence(outcome, "No space left", "there is no space left")
        nothing_lost(folder, before)
        (disk / "ballast").unlink()
        assert command(course, folder) == (0, [])
        copied(folder, kept)

    assert forked(work) == (0, "")
    assert whole(kept) == undisturbed


@pytest.mark.parametrize("name", ["results", "gradebook.db", "results/learner-03", "autograded", ""])
def test_what_is_read_only(course, classes, undisturbed, tmp_path, name):
    folder = copied(classes.graded, tmp_path / "class")
    before = {result["learner"]: result for result in read_results(folder, SLUG)}
    outcome = command(course, folder, "grade", SLUG, "--regrade", confine=lambda: read_only(folder / name))
    words = ("Read-only file system", "Permission denied", "cannot be opened for writing", "cross-device")
    assert_one_sentence(outcome, *words)
    nothing_lost(folder, before)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert command(course, folder) == (0, [])
    assert {**whole(folder), "other": undisturbed["other"]} == undisturbed


def test_a_gradebook_that_is_locked(course, classes, undisturbed, tmp_path):
    folder = copied(classes.prepared, tmp_path / "class")
    with closing(sqlite3.connect(folder / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert_one_sentence(command(course, folder), "is being written to by another program")
    assert not (folder / "results").exists()
    assert command(course, folder) == (0, [])
    assert whole(folder) == undisturbed


def test_a_gradebook_that_is_locked_meanwhile(course, classes, undisturbed, tmp_path):
    folder = copied(classes.prepared, tmp_path / "class")

    def lock_later():
        real, seen = gradebook.fill, []

        def fill(url, results, course=None):
            seen.extend(results)
            if results and len(seen) == 5:
                globals()["held"] = sqlite3.connect(folder / "gradebook.db", isolation_level=None)
                globals()["held"].execute("BEGIN EXCLUSIVE")
            return real(url, results, course)

        gradebook.fill = fill
        sys.modules["classroom.grade"].FILL_SECONDS = -1  # after every result

    assert_one_sentence(command(course, folder, confine=lock_later), "is being written to by another program")
    assert len(read_results(folder, SLUG)) == 5
    assert command(course, folder) == (0, [])
    assert whole(folder) == undisturbed


@pytest.mark.parametrize("damage", ["cut", "other", "page"])
def test_a_gradebook_that_is_damaged(course, classes, undisturbed, tmp_path, damage):
    folder = copied(classes.graded, tmp_path / "class")
    book = folder / "gradebook.db"
    content = book.read_bytes()
    spoilt = content[:4096] + b"\xff" * 4096 + content[8192:]
    book.write_bytes({"cut": content[: len(content) // 3], "other": b"my notes\n" * 1000, "page": spoilt}[damage])
    before = {result["learner"]: result for result in read_results(folder, SLUG)}
    assert_one_sentence(command(course, folder, "grade", SLUG, "--regrade"), "run `classroom rebuild-gradebook`")
    nothing_lost(folder, before)
    status, said = command(course, folder, "rebuild-gradebook")
    assert (status, said) == (0, [])
    assert command(course, folder) == (0, [])
    found = whole(folder)
    assert len(found.pop("other") - undisturbed["other"]) == 1  # the damaged one, under another name
    assert found == {key: value for key, value in undisturbed.items() if key != "other"}


def test_an_empty_gradebook_is_filled(course, classes, undisturbed, tmp_path):
    folder = copied(classes.graded, tmp_path / "class")
    (folder / "gradebook.db").write_bytes(b"")
    assert command(course, folder) == (0, [])
    assert whole(folder) == undisturbed


@pytest.mark.parametrize("spoil", [b"", b"{", b"[]", b'{"state": "graded"}', b"\xff"])
def test_a_result_that_somebody_spoilt_is_made_again(course, classes, undisturbed, tmp_path, spoil):
    folder = copied(classes.graded, tmp_path / "class")
    (folder / "results" / "learner-02" / f"{SLUG}.json").write_bytes(spoil)
    assert command(course, folder) == (0, [])
    assert whole(folder) == undisturbed


def test_a_mark_that_waits_is_not_taken_for_one(course, classes, undisturbed, tmp_path):
    folder = copied(classes.graded, tmp_path / "class")
    path = folder / "results" / "learner-02" / f"{SLUG}.json"
    write_json(path, {**read_json(path), "state": WAITS})
    assert command(course, folder) == (0, [])
    assert whole(folder) == undisturbed


# The real thing -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(course, tmp_path_factory):
    """A class that is really graded, and what comes of it undisturbed."""
    folder = tmp_path_factory.mktemp("real")
    given = {
        "blank": {},
        "endless": {**RIGHT, "scale": "while True: pass"},
        "forking": {**RIGHT, "add": f"import os\nif os.fork() == 0:\n    while True: pass\n{RIGHT_ADD}"},
        "killed": {**RIGHT, "add": "import os\nos.kill(os.getpid(), 9)"},
        "right": RIGHT,
        "slow": {**RIGHT, "add": f"import time\ntime.sleep(1)\n{RIGHT_ADD}"},
    }
    for learner, answers in given.items():
        content = answered(course.release / SLUG / NOTEBOOK, answers)
        write(folder / "class" / "submitted" / learner / SLUG / NOTEBOOK, content)
    write(folder / "class" / "course.key", "cd" * 32 + "\n")
    copied(folder / "class", folder / "undisturbed")
    report = really(course, folder / "undisturbed")
    assert report["code"] == 0, report["said"]
    return folder / "class", whole(folder / "undisturbed")


def really(course, folder, workers=2, **how):
    """`classroom grade`, to which a signal is sent as `how` says; returns killer.py's report."""
    arguments = ["grade", SLUG, "--class-dir", str(folder), "--course", str(course.root), "--workers", str(workers)]
    arguments += ["--cell-seconds", "2", "--notebook-seconds", "20"]
    program = [sys.executable, "-c", "from classroom.cli import main; main()", *arguments]
    temporary = str(folder.with_name(f"{folder.name}.tmp"))
    command = [sys.executable, killer.__file__, json.dumps({"signal": 0, **how}), temporary, *program]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_real_runs_killed_again_and_again(course, real, tmp_path):
    folder, undisturbed = copied(real[0], tmp_path / "class"), real[1]
    moments = [{"lines": 1}, {"seconds": 1}, {"lines": 3}, {"seconds": 3}, {"lines": 5}]
    for moment in moments:
        report = really(course, folder, signal=signal.SIGKILL, **moment)
        if report["code"] == 0:
            break
        assert report["code"] == -signal.SIGKILL, report
        assert (report["left"], report["files"]) == ([], []), report
        assert report["seconds"] < 10, report
        check_after_kill(folder, {})
    report = really(course, folder)
    assert report["code"] == 0, report["said"]
    assert whole(folder) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_clears_up(course, real, tmp_path, number):
    folder = copied(real[0], tmp_path / "class")
    report = really(course, folder, workers=1, signal=number, lines=2)
    assert report["code"] == 130
    assert report["said"].splitlines()[-1] == "classroom: stopped"
    assert (report["left"], report["files"]) == ([], [])
    assert [p for p in folder.iterdir() if p.name.startswith(".")] == []
