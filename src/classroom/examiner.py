"""A process that grades one submission after another of one assignment, and can do so on any computer.

It is given everything in frames and gives back frames: what it is told about the assignment, each submission's files,
each result. It has the course's library imported once and a Jail running; for each submission it forks, so that no
test sees what another submission's tests left behind. It knows no class folder and no gradebook.
"""

import contextlib
import gc
import importlib
import importlib.util
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from dataclasses import replace
from pathlib import Path

from classroom import kernel
from classroom.course import ClassroomError
from classroom.execute import Examination, seeds
from classroom.notebook import grade_id, parse_notebook
from classroom.protocol import MAX_BODY, Channel, ProtocolError
from classroom.rebuild import TIMESTAMP, Rejected, build, digest, is_withheld, make_exam, shadowing
from classroom.results import GRADED, LIMITED, QUARANTINED
from classroom.sandbox import Jail, Limits, SandboxError, choose_mode
from classroom.selftest import tested

OWN_PART = ("__init__", "kernel", "protocol", "sandbox", "selftest", "worker")  # of this package, in the jail


class Examiner:
    """The examining process, seen from the one that runs the class.

    Args:
        setup: what `describe` made of an assignment.
    """

    def __init__(self, setup):
        ours, theirs = socket.socketpair()
        self.folder = tempfile.mkdtemp(prefix="examiner-")  # whichever of the two processes is the last removes it
        os.chmod(self.folder, 0o711)
        environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "CLASSROOM_GRADING": "1", "TMPDIR": self.folder}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, str(theirs.fileno()), self.folder],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self.channel = Channel(ours, max_body=4 * MAX_BODY)
        self._tell(setup)

    def ready(self):
        """Wait until the jail stands; returns the names of its layers."""
        return self._answer()["layers"]

    def send(self, learner, files):
        self._tell({"learner": learner, "files": files})

    def fileno(self):
        return self.channel.socket.fileno()

    def receive(self):
        """The result of the submission that was sent."""
        return self._answer()

    def _tell(self, message):
        with contextlib.suppress(ProtocolError):  # that the process is gone, the answer will say
            self.channel.send(message)

    def _answer(self):
        try:
            answer = self.channel.receive()
        except ProtocolError as error:
            with contextlib.suppress(Exception):
                said = self.process.communicate(timeout=10)[1].decode(errors="replace").strip().splitlines()
                raise ClassroomError(f"the examining process ended: {said[-1] if said else 'killed'}") from error
            raise ClassroomError("the examining process ended") from error
        if "refused" in answer:
            raise ClassroomError(answer["refused"], exit_code=3)
        if "failed" in answer:
            raise ClassroomError(answer["failed"])
        return answer

    def close(self):
        self.channel.close()  # it ends at that
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


START = "import sys; from classroom.examiner import serve; serve(int(sys.argv[1]), sys.argv[2])"
THREADS = [f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON")]


def describe(course, assignment, limits, key, unsafe=False):
    """Everything that an examiner needs to know of an assignment, as values that a frame can carry."""
    folder = course.source / assignment
    settings = course.config.get("Classroom", {})
    notebooks = {path.name: path.read_bytes() for path in sorted(folder.glob("*.ipynb"))}
    exams = {name: make_exam(parse_notebook(content, name), name) for name, content in notebooks.items()}
    withheld = sorted({name for exam in exams.values() for name in exam.withheld})
    library = [course.root / path for path in settings.get("library", [])]
    released = {path.name: graded_texts(path) for path in sorted((course.release / assignment).glob("*.ipynb"))}
    return {
        "assignment": assignment,
        "notebooks": notebooks,
        "released": released,
        "library": pack(library, withheld),
        "withheld": withheld,
        "readable": [str(course.root / path) for path in settings.get("readable", [])],
        "limits": vars(limits),
        "key": key,
        "unsafe": unsafe,
    }


def graded_texts(path):
    """{name: text} of the named cells of a notebook as it was released."""
    notebook = parse_notebook(path.read_bytes(), path.name, whole=False)
    return {grade_id(cell): cell.source for cell in notebook.cells if grade_id(cell)}


def pack(packages, withheld):
    """A zip of the packages that learners may import, without the withheld modules and whatever was compiled."""
    held_back = {name.replace(".", "/") for name in withheld}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for package in packages:
            if not package.is_dir():
                raise ClassroomError(f"there is no package {package}: see c.Classroom.library in nbgrader_config.py")
            for path in sorted(package.rglob("*")):
                inside = path.relative_to(package.parent).as_posix()
                parts = inside.removesuffix(".py").split("/")
                known = {"/".join(parts[:length]) for length in range(1, len(parts) + 1)}
                if path.is_file() and "__pycache__" not in parts and not known & held_back:
                    archive.writestr(zipfile.ZipInfo(inside), path.read_bytes())
    return buffer.getvalue()


# In the process itself ------------------------------------------------------------------------------------------------


def serve(descriptor, own_folder):
    """Grade what comes over the socket until it is closed; `own_folder`, where temporary files are, goes with this."""
    gc.disable()  # what is loaded until the first submission comes, stays: looking through it again and again is waste
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that runs the class
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)  # when that process is gone: clear up, and end
    channel = Channel(socket.socket(fileno=descriptor), max_body=4 * MAX_BODY)
    try:
        setup = channel.receive()
        os.umask(0o022)
        with tempfile.TemporaryDirectory(prefix="library-", ignore_cleanup_errors=True) as folder:
            exams = {name: make_exam(parse_notebook(c, name), name) for name, c in setup["notebooks"].items()}
            modules = [name for exam in exams.values() for name in exam.modules()]
            try:
                jail = start_jail(setup, Path(folder), modules)
            except SandboxError as error:
                channel.send({"refused": str(error)})
                return
            with jail:
                warm_up(modules)
                kernel.ready_to_fork()
                run_reference(setup, exams, jail)
                gc.freeze()  # what the tests have loaded, such as a dictionary, stays too
                gc.enable()
                channel.send({"layers": list(jail.layers), "versions": jail.versions})
                examine_all(channel, setup, exams, jail)
    except ProtocolError:
        pass  # the class is done, or its process is gone
    except ClassroomError as error:
        channel.send({"failed": str(error)})
    finally:
        shutil.rmtree(own_folder, ignore_errors=True)


def start_jail(setup, folder, modules):
    """Unpack the library, start a jail and prove that it holds."""
    folder.chmod(0o755)
    with zipfile.ZipFile(io.BytesIO(setup["library"])) as archive:
        archive.extractall(folder)
    (folder / "classroom").mkdir(exist_ok=True)
    for name in OWN_PART:
        shutil.copyfile(Path(__file__).with_name(f"{name}.py"), folder / "classroom" / f"{name}.py")
    limits = Limits(**setup["limits"])
    mode = "none" if setup["unsafe"] else choose_mode()
    for name in setup["withheld"]:
        _refuse_installed(name)

    preload = [name for name in modules if not is_withheld(name, setup["withheld"])]

    def jail():
        return Jail(folder, limits, mode, preload, setup["withheld"], setup["readable"])

    return jail() if mode == "none" else tested(jail)


def _refuse_installed(name):
    """A withheld module among the installed packages could be read by learners' code."""
    import sysconfig

    installed = Path(sysconfig.get_path("purelib"), *name.split("."))
    if installed.is_dir() or installed.with_suffix(".py").is_file():
        raise ClassroomError(
            f"the withheld module {name} is installed at {installed}, where learners' code can read it: "
            "install the course with pip's option -e"
        )


def warm_up(modules):
    """Import what the tests will, so that a fork has it."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def run_reference(setup, exams, jail):
    """Run the tests on the reference solution once, here: libraries import much only when they are first used.

    What comes of it does not matter: `classroom verify` is for that.
    """
    limits = replace(Limits(**setup["limits"]), cell_seconds=60, notebook_seconds=300)
    deadline = time.monotonic() + limits.notebook_seconds
    for exam in exams.values():
        with contextlib.suppress(Exception):
            Examination(exam, build(exam, exam.source), jail, {}, limits, deadline, lambda name: 0).run()
        jail.clear()


def examine_all(channel, setup, exams, jail):
    while True:
        request = channel.receive()
        channel.send(examine(request["files"], setup, exams, jail))


def examine(files, setup, exams, jail):
    """The part of a result that comes from what was handed in; never raises for anything in it."""
    started = time.monotonic()
    limits = Limits(**setup["limits"])
    deadline = time.monotonic() + limits.notebook_seconds
    outcome = in_fork(
        lambda: examine_notebooks(files, setup, exams, jail, limits, deadline), limits.notebook_seconds + 10
    )
    hit = jail.clear()
    if "fault" in outcome:
        return quarantined(f"the grader failed, which is no fault of yours: {outcome['fault']}", fault=True)
    if "rejected" in outcome:
        return quarantined(outcome["rejected"])
    if hit:
        used = limits.memory_mb if hit == "memory" else limits.disk_mb
        outcome["hits"].append(f"the code used more than {used} MB of {hit} and was stopped")
    hits = list(dict.fromkeys(outcome["hits"]))
    return {
        "state": LIMITED if hits else GRADED,
        "reason": "; ".join(hits),
        "notebooks": outcome["notebooks"],
        "marks": outcome["marks"],
        "set_aside": outcome["set_aside"],
        "seconds": round(time.monotonic() - started, 1),
    }


def quarantined(reason, fault=False):
    """What comes of a submission that was not examined; `fault`: the grader's, so it is tried again another time."""
    return {"state": QUARANTINED, "reason": reason, "fault": fault, "notebooks": {}, "marks": [], "set_aside": []}


def open_notebooks(files, exams):
    """({name: notebook}, [[file, why it was set aside]]) of a submission's files; raises Rejected."""
    clash = shadowing(files, _importable)
    if clash:
        raise Rejected(f"{clash} would take the place of a module that is in use here: rename it or leave it out")
    submitted, aside = {}, []
    for name, content in files.items():
        if name in exams:
            try:
                submitted[name] = parse_notebook(content, name, whole=False)
            except ClassroomError as error:
                raise Rejected(str(error)) from error
        elif name.endswith(".ipynb"):
            aside.append([name, "it is no notebook of this assignment"])
    if not submitted:
        raise Rejected(f"no notebook was handed in: {' or '.join(exams)} is missing")
    return submitted, aside


def _importable(name):
    try:
        found = importlib.util.find_spec(name)
        return found is not None and found.origin is not None  # a folder without __init__.py hides nothing
    except (ImportError, ValueError):  # of names that are none, and of __main__
        return name == "__main__"


def in_fork(work, seconds):
    """The value of work(), called in a fork that has so many seconds; an empty outcome, if none comes."""
    reader, writer = socket.socketpair()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            reader.close()
            kernel.die_with_parent()
            try:
                answer = work()
            except Exception as error:  # a fault of the course or of the grader, not of the learner
                traceback.print_exc()
                answer = {"fault": f"{type(error).__name__}: {error}"}
            Channel(writer, max_body=4 * MAX_BODY).send(answer)
            status = 0
        finally:
            os._exit(status)
    writer.close()
    channel = Channel(reader, max_body=4 * MAX_BODY)
    try:
        return channel.receive(time.monotonic() + seconds)
    except (TimeoutError, ProtocolError):
        hits = ["grading it took too long or ended the grader's process"]
        return {"hits": hits, "notebooks": {}, "marks": [], "set_aside": []}
    finally:
        channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def examine_notebooks(files, setup, exams, jail, limits, deadline):
    """In the fork: all notebooks of a submission, each with workers of its own."""
    try:
        submitted, aside = open_notebooks(files, exams)
    except Rejected as reason:
        return {"rejected": str(reason)}
    handed_in = {name for exam in exams.values() for name in exam.hand_in}
    found = {"notebooks": {}, "marks": [], "hits": [], "set_aside": aside}
    with tempfile.TemporaryDirectory(prefix="examination-") as folder:
        os.chdir(folder)
        for name in handed_in & files.keys():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(files[name])
        for name, exam in exams.items():
            stem = Path(name).stem
            steps = build(exam, submitted.get(name))
            others = {key: value for key, value in files.items() if key not in exams and key != TIMESTAMP}
            seed_of = seeds(setup["key"], f"{setup['assignment']}/{stem}", digest(files))
            outcome = Examination(exam, steps, jail, others, limits, deadline, seed_of).run()
            found["notebooks"][name] = json.dumps(assemble(exam, steps, outcome)).encode()
            found["hits"] += outcome.hits
            for step in steps:
                mark = mark_of(step, outcome, setup["released"].get(name, {}), name in submitted)
                if mark:
                    found["marks"].append({"notebook": stem, "grade_id": step.name, **mark})
        os.chdir("/")
    return found


def mark_of(step, outcome, stubs, there):
    """points, message, mistake and seed of a graded cell; None for every other one. None points wait for a person."""
    grading = step.cell["metadata"].get("nbgrader", {})
    if step.kind == "test":
        points, message, mistake, seed = outcome.marks[step.name]
    elif grading.get("grade") or grading.get("task"):
        empty = step.cell["source"].strip() in ("", stubs.get(step.name, "").strip())
        points, message, mistake, seed = (
            (0.0, "no answer", "", None) if empty else (None, "waits for a grader", "", None)
        )
    else:
        return None
    return {
        "points": points,
        "message": message if there else "this notebook was not handed in",
        "mistake": mistake,
        "seed": seed,
    }


def assemble(exam, steps, outcome):
    """The graded notebook in nbformat's form: rebuilt, executed, with notes where something is not as it should be."""
    cells = []
    for index, step in enumerate(steps):
        cell = {**step.cell, "id": f"cell-{index}"}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = outcome.outputs.get(index, []), None
        if step.note:
            cell["metadata"] = {**cell["metadata"], "classroom": {"note": step.note}}
        cells.append(cell)
    metadata = {key: value for key, value in exam.source["metadata"].items() if key != "classroom"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
