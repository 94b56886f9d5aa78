"""The command as a person or a script meets it: exit codes, and one sentence for whatever is wrong."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from tiny_course import NAME, RIGHT, SLUG, add_learner, answered, write

import classroom
from classroom import cli

COMMAND = [sys.executable, "-c", "from classroom.cli import main; main()"]


@pytest.fixture
def run(capsys):
    """Call the command in this process; returns (exit code, stdout, stderr)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return caught.value.code, captured.out, captured.err

    return call


COMMANDS = "release check collect grade feedback export report verify rebuild-gradebook formgrader".split()  # noqa: SIM905


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_the_exit_codes(run, name):
    code, out, _ = run(name, "--help")
    assert code == 0
    assert f"Example: classroom {name} " in out
    assert "Exit codes: 0 fine; " in out


def test_every_command_is_tested(run):
    assert [command.name or command.callback.__name__ for command in cli.app.registered_commands] == COMMANDS


@pytest.mark.course
def test_a_course_from_release_to_export(run, own_course, tmp_path, monkeypatch):
    monkeypatch.chdir(own_course.root)
    assert run("release", "--check") == (
        1,
        f"{SLUG}/{NAME}.ipynb is missing from exercises/\n",
        "classroom: the release is out of date: run `classroom release`\n",
    )
    assert run("release") == (0, f"released exercises/{SLUG}\n", "")
    assert run("release", "--check") == (0, "exercises/ is up to date\n", "")

    content = answered(own_course.release / SLUG / f"{NAME}.ipynb", RIGHT)
    mine = write(tmp_path / "mine" / f"{NAME}.ipynb", content)
    code, out, _ = run("check", mine)
    assert code == 0
    assert "visible tests: 4 of 4 points\nsums.ipynb is ready to hand in\n" in out
    assert out.isascii()
    code, out, _ = run("check", own_course.release / SLUG / f"{NAME}.ipynb", "--no-run", "--json")
    assert (code, json.loads(out)["ready"], len(json.loads(out)["losses"])) == (1, False, 2)

    folder, inbox = tmp_path / "class", tmp_path / "inbox"
    there = [SLUG, "--class-dir", folder]
    roster = ["--roster", write(tmp_path / "roster.csv", "id,name,email\nada,Ada Love,a@b.org\nbob,,\ncy,,\n")]
    write(inbox / "Ada Love" / f"{NAME}.ipynb", content)
    write(inbox / "bob.ipynb", answered(mine, {"scale": "def scale(xs, k):\n    while True: pass"}))
    assert run("collect", inbox, *there, *roster)[0] == 0
    write(inbox / "eve.zip", "no zip")
    code, out, err = run("collect", inbox, *there, *roster)
    assert (code, err.splitlines()[-1]) == (1, f"classroom: 1 of 3 quarantined: see {folder / 'quarantine'}")
    assert out.isascii()
    assert "| bob     | bob.ipynb | unchanged   |     1 |" in out
    assert "\n1 quarantined, 2 unchanged\nnothing from 1: cy\n" in out
    code, out, _ = run("collect", inbox, *there, *roster, "--json")
    assert (code, json.loads(out)["absent"], len(json.loads(out)["items"])) == (1, ["cy"], 3)

    code, out, err = run("grade", *there, "--cell-seconds", 2, "--workers", 2)
    assert code == 0
    assert "] ada: 10 of 10 (graded, " in err
    assert "| bob     |  5 of 10 | graded with limits hit | " in out
    assert "\n1 graded, 1 with limits hit, 0 quarantined, 0 unchanged; sandbox: " in out
    assert "sandbox: none" not in out
    code, out, err = run("grade", *there, "--cell-seconds", 2, "--json")
    assert (code, json.loads(out)["unchanged"]) == (0, ["ada", "bob"])
    assert err == "[1/2] ada: 10 of 10 (unchanged)\n[2/2] bob: 5 of 10 (unchanged)\n"

    code, out, _ = run("report", *there)
    assert (code, out.isascii()) == (0, True)
    assert "2 graded: on average 7.5 of 10" in out
    code, out, err = run("report", *there, "--json", "--picture", tmp_path / "a.svg")
    assert (code, json.loads(out)["marks"]["mean"], err) == (0, 7.5, f"{tmp_path / 'a.svg'}\n")
    assert run("feedback", *there)[:2] == (0, f"{folder}/feedback/index.html\n")
    assert run("rebuild-gradebook", "--class-dir", folder) == (0, "the gradebook holds 2 submissions\n", "")

    path = folder / f"{SLUG}-canvas.csv"
    assert run("export", *there, "--to", "canvas", *roster) == (0, f"{path}\n", "")
    assert path.read_text().splitlines()[2:] == ["Ada Love,,,ada,,10", "bob,,,bob,,5", "cy,,,cy,,"]
    write(tmp_path / "roster.csv", "id\nbob\n")
    code, out, err = run("export", *there, "--to", "moodle", *roster, "--out", "-", "--column", "Sums")
    assert (code, err) == (1, "ada is not in the roster: left out\n")
    assert out == "Identifier,Full name,ID number,Email address,Sums\n,,bob,,5\n"

    write(
        folder / "sample-class.json", {"assignment": SLUG, "learners": {"ada": {"expected": 9}, "bob": {"expected": 5}}}
    )
    code, out, err = run("report", *there, "--json")
    assert (code, [row["agrees"] for row in json.loads(out)["learners"]]) == (1, [False, True])
    assert err == "classroom: 1 of 2 marks are not as expected: ada has 10 (expected 9)\n"


@pytest.mark.course
def test_verify_a_course(run, own_course):
    there = ["--course", own_course.root]
    code, out, err = run("verify", *there)
    assert (code, out) == (1, f"{SLUG}: it is not released: run `classroom release`\n")
    run("release", *there)
    code, out, err = run("verify", *there)
    assert (code, out) == (0, "all is well\n")
    assert f"{SLUG}: fit to be graded (sandbox: " in err

    source = own_course.source / SLUG / f"{NAME}.ipynb"
    write(source, source.read_text().replace("return a + b", "return a - b"))
    code, out, err = run("verify", *there)
    assert code == 1
    assert "the reference solution has 0 of 2 points in add_visible: one and two make three" in out


def test_formgrader_is_served_for_the_class(run, own_course, tmp_path, monkeypatch):
    calls = []
    served = SimpleNamespace(serve=lambda *arguments: calls.append(arguments))
    monkeypatch.setitem(sys.modules, "classroom.formgrader", served)
    monkeypatch.setattr(classroom, "formgrader", served, raising=False)
    there = ["--course", own_course.root, "--class-dir", tmp_path, "--port", 9000]
    assert run("formgrader", *there) == (0, "", "")
    assert [call[1:] for call in calls] == [(tmp_path, f"sqlite:///{tmp_path}/gradebook.db", 9000)]


def test_bad_input_is_one_sentence(run, course, released, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "not.ipynb", "{")
    root = ["--course", course.root]
    for arguments, words in [
        (["release"], "no nbgrader_config.py in"),
        (["nonsense"], "No such command 'nonsense'"),
        (["release", "--nonsense"], "--nonsense"),
        (["release", "--course", tmp_path], "is not a course"),
        (["release", "02_no", *root], "there are: 01_sums"),
        (["grade", "02_no", "--class-dir", tmp_path, *root], "there are: 01_sums"),
        (["grade", SLUG, *root], "class-dir"),
        (["grade", SLUG, "--class-dir", tmp_path / "absent", *root], "run `classroom collect` first"),
        (["grade", SLUG, "--class-dir", tmp_path, "--cell-seconds", "soon", *root], "--cell-seconds"),
        (["feedback", SLUG, "--class-dir", tmp_path, *root], "run `classroom grade` first"),
        (["report", SLUG, "--class-dir", tmp_path / "absent"], "there is no class folder"),
        (["report", SLUG, "--class-dir", tmp_path], "run `classroom grade` first"),
        (["collect", tmp_path / "absent", SLUG, "--class-dir", tmp_path, *root], "there is no inbox"),
        (["collect", tmp_path, SLUG, "--class-dir", tmp_path, "--roster", "no.csv", *root], "No such file"),
        (["export", SLUG, "--class-dir", tmp_path, "--to", "excel", *root], "there are nbgrader, canvas, moodle"),
        (["export", SLUG, "--class-dir", tmp_path, "--to", "canvas", *root], "give them with --roster"),
        (["rebuild-gradebook", "--class-dir", tmp_path, *root], "run `classroom grade` first"),
        (["formgrader", "--class-dir", tmp_path, "--port", "0", *root], "--port"),
        (["check", "absent.ipynb", *root], "absent.ipynb is not a file"),
        (["check", "not.ipynb", *root], "not.ipynb is not JSON"),
        (["check", released, "--assignment", "02_no", *root], "there are: 01_sums"),
    ]:
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert words in err, arguments
        assert err.startswith("classroom: "), err
        assert err.count("\n") == 1, err


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_folders_that_may_not_be_written(run, own_course):
    own_course.root.chmod(0o555)
    try:
        code, _, err = run("release", "--course", own_course.root)
    finally:
        own_course.root.chmod(0o755)
    assert (code, err.startswith("classroom: Permission denied")) == (2, True)


def test_a_full_disk_is_one_sentence(run, course, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device", "exercises")

    monkeypatch.setattr("classroom.release.scratch", full)
    assert run("release", "--course", course.root) == (2, "", "classroom: No space left on device: exercises\n")


@pytest.mark.course
def test_stopping_cleans_up(course, released, tmp_path):
    folder = tmp_path / "class"
    add_learner(folder, "first", answered(released, RIGHT), 10)
    add_learner(folder, "slow", answered(released, {**RIGHT, "scale": "import time\ntime.sleep(60)"}), 0)
    command = [*COMMAND, "grade", SLUG, "--class-dir", folder, "--cell-seconds", "60"]
    grader = subprocess.Popen(list(map(str, command)), cwd=course.root, stderr=subprocess.PIPE, text=True)
    said = grader.stderr.readline()
    started = psutil.Process(grader.pid).children(recursive=True)
    grader.send_signal(signal.SIGINT)
    said += grader.communicate(timeout=60)[1]
    assert grader.returncode == 130, said
    assert said.startswith("[1/2] first: 10 of 10 (graded, ")
    assert said.endswith(" s)\nclassroom: stopped\n")
    assert started
    assert psutil.wait_procs(started, timeout=10)[1] == []
    left = ["autograded", "course.key", "gradebook.db", "results", "sample-class.json", "submitted"]
    assert sorted(p.name for p in folder.iterdir()) == left


def test_the_progress_bar_of_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with cli._progress() as progress:
        progress(1, 2, "first [of] two")
        progress(2, 2, "")
    assert "[1/2] first [of] two" in sys.stderr.getvalue()


def test_the_command_is_installed():
    assert shutil.which("classroom", path=os.path.dirname(sys.executable))
