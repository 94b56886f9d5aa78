"""What `make` says when a computer lacks something: one sentence, with what to do. Nothing is installed here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this computer")


@pytest.fixture
def make(tmp_path):
    """Run a target with stand-ins for some programs, away from the real installation and its logs."""
    tools = tmp_path / "bin"
    tools.mkdir()

    def stand_in(name: str, script: str) -> Path:
        path = tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def run(target: str, **variables: str) -> subprocess.CompletedProcess:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        environment |= {"PATH": f"{tools}:{environment['PATH']}", "BUILD": str(tmp_path / "build")}
        arguments = [f"{key}={value}" for key, value in ({"VENV": str(tmp_path / "venv")} | variables).items()]
        command = ["make", "--no-print-directory", target, *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    run.stand_in = stand_in
    return run


def sentence(done: subprocess.CompletedProcess) -> str:
    """What stands after the line of the step that failed: it must be one line."""
    assert done.returncode != 0
    lines = done.stdout.splitlines()
    assert lines[0].endswith("failed"), done.stdout
    assert len(lines) == 2, done.stdout
    return lines[1]


def test_no_python(make):
    assert "install Python 3.11, 3.12 or 3.13" in sentence(make("env", PYTHON="python-that-is-not-there"))


@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_a_python_that_does_not_fit(make, version):
    old = make.stand_in("oldpython", f"echo {version}")
    said = sentence(make("env", PYTHON=str(old)))
    assert f"is Python {version}" in said
    assert "make course PYTHON=" in said


def test_a_python_without_venv(make):
    bare = make.stand_in("barepython", 'case "$2" in *venv*) exit 1 ;; *) echo 3.11 ;; esac')
    assert "python3.11-venv" in sentence(make("env", PYTHON=str(bare)))


def test_a_full_disk(make):
    make.stand_in("df", "printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\nx 9 9 2097152 99%% /\\n'")
    assert "Only 2 GB are free" in sentence(make("env", PYTHON=sys.executable))


def test_a_step_that_fails_shows_its_last_lines_and_its_log(make, tmp_path):
    make.stand_in("df", "printf 'x\\nx 9 9 99999999 1%% /\\n'")
    broken = make.stand_in(
        "broken", 'case "$2" in *version_info*) echo 3.11 ;; -c) ;; venv) echo no luck; exit 1 ;; esac'
    )
    done = make("env", PYTHON=str(broken))
    assert done.returncode != 0
    assert "no luck" in done.stdout
    assert "The whole log is in" in done.stdout
    assert "no luck" in (tmp_path / "build" / "logs" / "env.log").read_text()


def test_a_second_installation_does_nothing(make):
    """With the record of this very installation in place, nothing is run."""
    if not (ROOT / ".venv" / "installed").is_file():
        pytest.skip("this installation was not made by make, so there is no record to compare with")
    done = make("env", VENV=".venv")
    assert done.returncode == 0, done.stdout
    assert "nothing to install" in done.stdout


def test_help_is_what_make_does_alone():
    done = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("make course ")
