"""The command as a person or a script meets it: exit codes, and one sentence for whatever is wrong."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tiny_course import NAME, RIGHT, SLUG, add_learner, answered, write

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


@pytest.mark.parametrize("name", ["release", "check", "grade", "feedback", "report"])
def test_help_has_an_example(run, name):
    code, out, _ = run(name, "--help")
    assert code == 0
    assert f"Example: classroom {name} " in out


@pytest.mark.course
def test_a_course_from_release_to_report(run, own_course, tmp_path, monkeypatch):
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

    folder = tmp_path / "class"
    add_learner(folder, "perfect", content, 10)
    code, out, err = run("grade", SLUG, "--class-dir", folder)
    assert (code, out) == (0, "")
    assert err.startswith("[1/1] perfect: 10 of 10 (graded, ")
    assert run("grade", SLUG, "--class-dir", folder)[2] == "[1/1] perfect: 10 of 10 (unchanged)\n"
    code, out, _ = run("report", SLUG, "--class-dir", folder)
    assert code == 0
    assert out.isascii()
    assert "  4  scale_hidden (3)" in out
    assert run("feedback", SLUG, "--class-dir", folder)[:2] == (0, f"{folder}/feedback/index.html\n")

    add_learner(folder, "perfect", content, 9)
    add_learner(folder, "late", content, 4)
    code, out, err = run("report", SLUG, "--class-dir", folder, "--json")
    assert (code, [row["agrees"] for row in json.loads(out)]) == (1, [False, False])
    assert err == (
        "classroom: 2 of 2 marks are not as expected: late has no mark (expected 4), perfect has 10 (expected 9)\n"
    )
    write(folder / "submitted" / "eve" / SLUG / f"{NAME}.ipynb", content)
    code, _, err = run("grade", SLUG, "--class-dir", folder)
    assert code == 3
    assert err == (
        f"classroom: submitted/eve/{SLUG} is not part of the sample class; grading strangers' code needs the sandbox, "
        "which this version does not have yet\n"
    )


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
        (["grade", SLUG, "--class-dir", tmp_path / "absent", *root], "there is no class folder"),
        (["grade", SLUG, "--class-dir", tmp_path, "--cell-seconds", "soon", *root], "--cell-seconds"),
        (["feedback", SLUG, "--class-dir", tmp_path, *root], "run `classroom grade` first"),
        (["report", SLUG, "--class-dir", tmp_path / "absent"], "there is no class folder"),
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
    mark = tmp_path / "began"
    slow = f"open({str(mark)!r}, 'w')\nimport time\ntime.sleep(30)"
    add_learner(folder, "slow", answered(released, {**RIGHT, "scale": slow}), 0)
    grader = subprocess.Popen(
        [*COMMAND, "grade", SLUG, "--class-dir", folder], cwd=course.root, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    grader.send_signal(signal.SIGINT)
    _, said = grader.communicate(timeout=30)
    assert (grader.returncode, said) == (130, "classroom: stopped\n")
    assert sorted(p.name for p in folder.iterdir()) == ["gradebook.db", "sample-class.json", "submitted"]


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
