"""Grading on a dask cluster: the marks of one computer, whatever becomes of the workers on the way."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
from distributed import Client, LocalCluster

from classroom import cluster, examiner
from classroom.course import ClassroomError
from classroom.examiner import Examiner
from classroom.grade import grade
from classroom.sandbox import Limits
from tests.classroom.tiny_course import NAME, RIGHT, RIGHT_ADD, SLUG, answered, write

pytestmark = pytest.mark.course
LIMITS = Limits(cell_seconds=3, notebook_seconds=30)


@pytest.fixture
def handed_in(course, tmp_path):
    """Make a class folder of {learner: answers, or the text of the file}."""
    released = course.release / SLUG / f"{NAME}.ipynb"

    def make(learners, name="class"):
        for learner, given in learners.items():
            content = given if isinstance(given, str) else answered(released, given)
            write(tmp_path / name / "submitted" / learner / SLUG / f"{NAME}.ipynb", content)
        return tmp_path / name

    return make


@pytest.fixture(scope="module")
def two_workers():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60) as running:
        yield running


@pytest.fixture
def address(two_workers):
    """Of the scheduler of two workers, processes of their own; one that dies is started again."""
    two_workers.wait_for_workers(2, timeout=60)
    return two_workers.scheduler_address


def on(address, **more):
    return {"engine": "dask", "scheduler": address, **more}


def comparable(results):
    return [{key: value for key, value in result.items() if key != "seconds"} for result in results]


@contextmanager
def fails(address, *words, exit_code=2):
    with pytest.raises(ClassroomError) as caught:
        yield
    assert [word for word in (address, *words) if word not in str(caught.value)] == [], str(caught.value)
    assert caught.value.exit_code == exit_code


def test_the_same_results_as_on_one_computer(course, handed_in, address):
    learners = {
        "perfect": RIGHT,
        "half": {"add": RIGHT_ADD},
        "blank": {},
        "killed": {**RIGHT, "scale": "import os\nos.kill(os.getpid(), 9)"},
        "loops": {**RIGHT, "scale": "while True:\n    pass"},
        "junk": "{not json",
    }
    here, there = handed_in(learners, "here"), handed_in(learners, "there")
    (there / "course.key").write_text("ab" * 32)
    (here / "course.key").write_text("ab" * 32)
    (there / "submitted" / "linked").mkdir()
    (there / "submitted" / "linked" / SLUG).symlink_to(there)  # is quarantined without being read
    expected = comparable(grade(course, SLUG, here, LIMITS))
    found = comparable(grade(course, SLUG, there, LIMITS, **on(address)))
    (linked,) = [result for result in found if result["learner"] == "linked"]
    assert (linked["state"], linked["executed"]) == ("quarantined", False)
    assert [result for result in found if result is not linked] == expected
    assert [result["total"] for result in expected] == [0, 5, 0, 5, 5, 10]


def test_a_worker_that_dies_loses_nothing(course, handed_in, address):
    slow = {**RIGHT, "scale": f"import time\ntime.sleep(0.5)\n{RIGHT['scale']}"}
    folder = handed_in({f"learner-{number}": slow for number in range(5)})
    killed = []

    def kill_one(done, total, result, skipped):
        if not killed:
            with Client(address, set_as_default=False) as client:
                killed.append(min(client.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    results = grade(course, SLUG, folder, LIMITS, **on(address, tell=kill_one))
    assert killed
    assert [(result["total"], result["state"]) for result in results] == [(10, "graded")] * 5


def allow_failures(number, dask_scheduler):
    dask_scheduler.allowed_failures = number


class Deadly(cluster.Desk):
    """As if one learner's submission brought the worker down."""

    def __reduce__(self):
        return Deadly, (self.setup,)

    def examine(self, learner, files):
        if learner == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().examine(learner, files)


def test_a_submission_that_kills_workers_is_quarantined_and_no_other(course, handed_in, address, monkeypatch):
    monkeypatch.setattr(cluster, "Desk", Deadly)
    with Client(address, set_as_default=False) as client:
        client.run_on_scheduler(allow_failures, 0)
    folder = handed_in({"ada": RIGHT, "deadly": RIGHT, "emmy": {"add": RIGHT_ADD}})
    results = grade(course, SLUG, folder, LIMITS, **on(address))
    assert {result["learner"]: (result["total"], result["state"]) for result in results} == {
        "ada": (10, "graded"),
        "deadly": (0, "quarantined"),
        "emmy": (5, "graded"),
    }
    assert results[1]["reason"] == "it could not be graded: every worker that examined it ended"


class Refusing:
    """An examiner on a computer without a sandbox."""

    def __init__(self, setup):
        pass

    def ready(self):
        raise ClassroomError("there is no sandbox here", exit_code=3)

    def close(self):
        pass


def use_examiner(kind):
    cluster.Examiner = kind


def test_a_worker_without_a_sandbox_stops_the_run_before_anything_is_executed(course, handed_in, address):
    folder = handed_in({"ada": RIGHT})
    with Client(address, set_as_default=False) as client:
        worker = sorted(client.nthreads())[0]
        client.run(use_examiner, Refusing, workers=[worker])
        try:
            with fails(worker, "there is no sandbox here", exit_code=3):
                grade(course, SLUG, folder, LIMITS, **on(address))
        finally:
            client.run(use_examiner, Examiner)
    assert not (folder / "autograded").exists()
    assert not list(folder.glob("results/*/*"))


def test_an_examining_process_that_dies_is_replaced(course):
    desk = cluster.Desk(examiner.describe(course, SLUG, LIMITS, b"key"))
    try:
        assert desk.stand()
        ((process, _),) = desk.idle
        process.process.kill()
        files = {f"{NAME}.ipynb": (course.release / SLUG / f"{NAME}.ipynb").read_bytes()}
        assert desk.examine("ada", files)[1]["state"] == "graded"
        assert len(desk.idle) == 1
    finally:
        cluster.close_all(desk.idle)


def test_nothing_is_left_on_the_workers(course, handed_in, address):
    grade(course, SLUG, handed_in({"ada": RIGHT, "emmy": {}}), LIMITS, **on(address))
    with Client(address, set_as_default=False) as client:
        deadline = time.monotonic() + 20
        while left := [line for lines in client.run(children).values() for line in lines]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


def children():
    """The names of the processes below this one that still run."""
    names = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended since it was listed
            names.append(process.name())
    return names


def test_other_code_on_a_worker_is_refused(course, handed_in, address, monkeypatch):
    monkeypatch.setattr(cluster, "hash_of", lambda folder: "another")
    with fails("tcp://", "has another classroom", "(another)"):
        grade(course, SLUG, handed_in({"ada": RIGHT}), LIMITS, **on(address))


def test_what_is_compared(course):
    found = cluster.code_of(["classroom", "no_such_package"])
    assert found["no_such_package"] == "none"
    assert len(found["classroom"]) == 12
    assert found["Python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    setup = examiner.describe(course, SLUG, LIMITS, b"key")
    assert cluster.packages_of(setup) == ["classroom"]


def test_a_cluster_without_workers(course, handed_in):
    with LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=60) as empty:
        address = empty.scheduler_address
        with fails(address, "start some with `dask worker"):
            grade(course, SLUG, handed_in({"ada": RIGHT}), LIMITS, **on(address))


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:{port}", "127.0.0.1:{port}", "tcp://no-such-host.invalid:8786", "??"]
)
def test_no_scheduler_at_the_address(course, handed_in, address):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = address.format(port=unused.getsockname()[1])
    started = time.monotonic()
    with fails(address, "no dask scheduler answers at"):
        grade(course, SLUG, handed_in({"ada": RIGHT}), LIMITS, **on(address))
    assert time.monotonic() - started < 30


# With the programs that people start ----------------------------------------------------------------------------------


@pytest.fixture
def dask_program(tmp_path):
    """Start `dask ...` in a process of its own; all are ended afterwards."""
    running = []

    def start(*words, **environment):
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        with open(tmp_path / "dask.log", "ab") as log:
            running.append(
                subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, env={**os.environ, **environment})
            )
        return running[-1]

    yield start
    for process in reversed(running):  # workers look for a scheduler that ends before them
        process.terminate()
        process.wait(30)


@pytest.fixture
def scheduler(dask_program, tmp_path):
    """Start a `dask scheduler`; returns its process and its address."""

    def start(**environment):
        file = tmp_path / "scheduler.json"
        words = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        process = dask_program("scheduler", *words, **environment)
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        return process, json.loads(file.read_text())["address"]

    return start


def wait_until(fulfilled):
    deadline = time.monotonic() + 60
    while not fulfilled():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_for_workers(address, number):
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


def start_grading(course, folder, address):
    code = "from classroom.cli import main; main()"
    words = ["grade", SLUG, "--class-dir", folder, "--engine", "dask", "--scheduler", address, "--json"]
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, cwd=course.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_commands(course, handed_in, dask_program, scheduler):
    _, address = scheduler()
    dask_program("worker", address, "--nworkers", "1", "--nthreads", "2")
    wait_for_workers(address, 1)
    folder = handed_in({"ada": RIGHT, "blank": {}, "half": {"add": RIGHT_ADD}})
    grading = start_grading(course, folder, address)
    _, complaints = grading.communicate(timeout=300)
    assert grading.returncode == 0, complaints
    found = {path.parent.name: json.loads(path.read_text())["total"] for path in folder.glob("results/*/*.json")}
    assert found == {"ada": 10, "blank": 0, "half": 5}
    assert "distributed" not in complaints


def test_a_scheduler_that_goes_away_ends_the_run_in_one_sentence(course, handed_in, dask_program, scheduler):
    process, address = scheduler()
    dask_program("worker", address, "--nworkers", "1", "--nthreads", "1", "--death-timeout", "5")
    wait_for_workers(address, 1)
    slow = {**RIGHT, "scale": f"import time\ntime.sleep(1)\n{RIGHT['scale']}"}
    folder = handed_in({f"learner-{number}": slow for number in range(30)})
    grading = start_grading(course, folder, address)
    wait_until(lambda: list(folder.glob("results/*/*.json")))
    process.kill()
    _, complaints = grading.communicate(timeout=120)
    last = complaints.strip().splitlines()[-1]
    assert (grading.returncode, last) == (
        2,
        f"classroom: the dask scheduler at {address} is gone: start it and give the same command again, "
        "it goes on from here",
    )
    assert "Traceback" not in complaints


@pytest.mark.parametrize("bare", ["scheduler", "worker"])
def test_a_computer_without_the_grader_is_named(course, handed_in, dask_program, scheduler, tmp_path, bare):
    write(tmp_path / "other" / "classroom" / "__init__.py", "")
    other = {"PYTHONPATH": str(tmp_path / "other")}
    _, address = scheduler(**(other if bare == "scheduler" else {}))
    dask_program("worker", address, "--nworkers", "1", **(other if bare == "worker" else {}))
    wait_for_workers(address, 1)
    grading = start_grading(course, handed_in({"ada": RIGHT}), address)
    _, complaints = grading.communicate(timeout=120)
    assert grading.returncode == 2
    assert complaints.startswith(f"classroom: the {bare} ")
    assert "No module named 'classroom.cluster'" in complaints
    assert "Traceback" not in complaints
