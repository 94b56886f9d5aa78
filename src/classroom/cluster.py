"""Submissions examined by the workers of a dask cluster.

Every task carries what it needs: the assignment, which the scheduler keeps, and the files of one submission. So any
worker can do it, and when a worker dies another one does it again. The course has to be installed on all computers as
it is here. Whoever reaches a dask scheduler commands its workers: keep it in a closed network, or use tls:// addresses.
"""

import hashlib
import importlib.util
import io
import logging
import sys
import threading
import time
import weakref
import zipfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from classroom.course import ClassroomError
from classroom.engines import ATTEMPTS
from classroom.examiner import Examiner, quarantined

try:
    import dask
    from distributed import CancelledError, Client, KilledWorker, get_worker, wait
except ImportError as error:
    raise ClassroomError("--engine dask needs the package distributed: pip install distributed") from error

PATIENCE = 5  # seconds until a scheduler has to answer
WORKERLESS = 60  # seconds that a cluster may go on without any worker
JUDGES = ("torch", "numpy", "ipython")  # installed packages on whose versions marks may depend


class Cluster:
    """The workers of a dask cluster, as many submissions at once as they have threads.

    Args:
        setup: what `examiner.describe` made of an assignment.
        scheduler: address, such as tcp://10.0.0.1:8786.
    """

    def __init__(self, setup, scheduler):
        self.scheduler = scheduler
        for name in ("distributed", "distributed.client"):  # what matters is said in a ClassroomError
            logging.getLogger(name).setLevel(logging.CRITICAL)
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"})
        try:
            self.client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClassroomError(
                f"no dask scheduler answers at {scheduler}: start one with `dask scheduler`, or correct the address"
            ) from error
        try:
            workers = self._ask(self.client.nthreads)
            if not workers:
                raise ClassroomError(f"no worker is at {scheduler}: start some with `dask worker {scheduler}`")
            self._compare(packages_of(setup))
            self.desk = self.client.submit(Desk, setup, pure=False)
            standing = [self._submit(Desk.stand, workers=[worker], allow_other_workers=True) for worker in workers]
            for future in standing:
                self.layers = self._result(future)
        except KilledWorker as error:
            self.close()
            raise ClassroomError(f"the workers at {scheduler} end as soon as they are used: see their logs") from error
        except BaseException:
            self.close()
            raise

    def examine(self, learners, read):
        """Yield (learner, outcome) for each; `read(learner)` gives its files, or says why there are none.

        A submission at which workers die is done once more at the end, alone, since it may have died of another one.
        """
        suspects = []
        for group, alone in ((learners, False), (suspects, True)):
            waiting, running = list(reversed(group)), {}
            while waiting or running:
                places = 1 if alone else sum(self._ask(self.client.nthreads).values()) or 1
                while waiting and len(running) < places:
                    learner = waiting.pop()
                    files = read(learner)
                    if isinstance(files, str):
                        yield learner, quarantined(files)
                    else:
                        running[self._submit(Desk.examine, learner, files)] = learner
                for future in self._done(running):
                    learner = running.pop(future)
                    try:
                        self.layers, outcome = self._result(future)  # layers of the worker that did it
                    except KilledWorker:
                        if not alone:
                            suspects.append(learner)
                            continue
                        outcome = quarantined("it could not be graded: every worker that examined it ended", fault=True)
                    yield learner, outcome

    def close(self):
        """Let go of the tasks and of the desk: at that, its examining processes end."""
        with suppress(OSError, TimeoutError):
            self.client.close(timeout=PATIENCE)

    def _submit(self, action, *arguments, **options):
        return self.client.submit(action, self.desk, *arguments, pure=False, **options)

    def _done(self, running):
        """The futures that have ended, at least one unless there are none."""
        last_seen = time.monotonic()
        while running:
            try:
                with self.client.as_current():
                    return wait(list(running), timeout=2, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                if self._ask(self.client.nthreads):
                    last_seen = time.monotonic()
                elif time.monotonic() > last_seen + WORKERLESS:
                    raise ClassroomError(
                        f"all workers at {self.scheduler} are gone: start some with `dask worker {self.scheduler}` and "
                        "give the same command again, it goes on from here"
                    ) from None
            except CancelledError as error:
                raise self._gone() from error
        return []

    def _result(self, future):
        try:
            return future.result()
        except CancelledError as error:
            raise self._gone() from error

    def _ask(self, question, *arguments, **options):
        try:
            return question(*arguments, **options)
        except (OSError, RuntimeError, CancelledError) as error:
            raise self._gone() from error

    def _gone(self):
        return ClassroomError(
            f"the dask scheduler at {self.scheduler} is gone: start it and give the same command again, "
            "it goes on from here"
        )

    def _compare(self, packages):
        """Marks must not depend on where a submission is examined: refuse a worker that has other code."""
        try:
            self.client.run_on_scheduler(code_of, [])
        except Exception as error:
            raise ClassroomError(
                f"the scheduler at {self.scheduler} cannot read this grader's tasks ({error}): install there what is "
                "installed here"
            ) from error
        own = code_of(packages)
        for worker, found in self._ask(self.client.run, code_of, packages, on_error="return").items():
            if isinstance(found, Exception):
                raise ClassroomError(
                    f"the worker {worker} cannot run this grader ({found}): install there what is installed here"
                ) from found
            for name, version in own.items():
                if found.get(name) != version:
                    raise ClassroomError(
                        f"the worker {worker} has another {name} ({found.get(name)}) than this computer ({version}): "
                        "install the same on both"
                    )


def packages_of(setup):
    """The packages whose code decides on marks: the grader and the course's library."""
    with zipfile.ZipFile(io.BytesIO(setup["library"])) as library:
        return sorted({"classroom", *(name.split("/")[0] for name in library.namelist())})


# On a worker ----------------------------------------------------------------------------------------------------------


def code_of(packages):
    """{what: version} of the code that grades: versions of installed packages, a hash of each of the given ones."""
    found = {"Python": ".".join(map(str, sys.version_info[:2]))}
    for name in JUDGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name).partition("+")[0]
    for name in packages:
        spec = importlib.util.find_spec(name)
        folder = Path(spec.origin).parent if spec and spec.origin else None
        found[name] = hash_of(folder) if folder else "none"
    return found


def hash_of(folder):
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(
                f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
            )
    return whole.hexdigest()[:12]


class Desk:
    """An assignment on a worker, with its examining processes: they are started as they are needed, and stay.

    dask sends it as its setup alone, so each worker has one of its own. When the class is done or its process is gone,
    dask drops it, and the processes end.
    """

    def __init__(self, setup):
        self.setup, self.idle = setup, []
        end = threading.Thread(target=close_all, args=[self.idle])  # a thread, not to hold up the worker
        weakref.finalize(self, end.start).atexit = False

    def __reduce__(self):
        return Desk, (self.setup,)

    def stand(self):
        """Have an examining process; returns the layers of its jail."""
        examiner, layers = self._take()
        self.idle.append((examiner, layers))
        return layers

    def examine(self, learner, files):
        """The layers of the jail in which a submission was examined, and what came of it."""
        for _ in range(ATTEMPTS):
            examiner, layers = self._take()
            try:
                examiner.send(learner, files)
                outcome = examiner.receive()
            except ClassroomError as error:
                examiner.close()
                outcome = quarantined(f"it could not be graded: {error}", fault=True)
            else:
                self.idle.append((examiner, layers))
                break
        return layers, outcome

    def _take(self):
        with suppress(IndexError):
            return self.idle.pop()
        examiner = Examiner(self.setup)
        try:
            return examiner, examiner.ready()
        except ClassroomError as error:
            examiner.close()
            worker = get_worker().address
            raise ClassroomError(f"the worker {worker} cannot grade: {error}", error.exit_code) from error


def close_all(idle):
    """End examining processes."""
    for examiner, _ in idle:
        examiner.close()
