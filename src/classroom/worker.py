"""Inside the jail: the keeper, which forks, and the workers, which run learners' cells and answer calls.

Nothing that leaves here is believed: the grader takes every reply for a claim of the learner's code.

A worker runs the cells of a notebook one after another. Where a test comes, it forks a *snapshot* of itself that
waits. The tests are run on the snapshots only after all cells have run and their output has been taken. So what a
test shows to the learner's code cannot come back in a cell's output, a test that ends the process ends a copy, and no
test sees what another one did.
"""

import base64
import contextlib
import gc
import importlib
import importlib.abc
import io
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from itertools import islice

from classroom import kernel
from classroom.protocol import Channel, Encoder, ProtocolError, Reference, Unsendable
from classroom.sandbox import HOME, MB, Limits, confine

MAX_OUTPUT = 100_000  # characters of text a cell
MAX_IMAGE = 1_000_000  # bytes
MAX_ITEMS = 100_000  # that an iteration hands over
WATCH_SECONDS = 0.1


# The keeper -----------------------------------------------------------------------------------------------------------


def keep(descriptor):
    """Import what notebooks need, then fork workers on command until the grader is gone."""
    gc.disable()  # what is imported stays: looking through it again and again is waste
    control = socket.socket(fileno=descriptor)
    spec = json.loads(control.recv(1 << 20))
    kernel.die_with_parent()
    if "mounts" in spec["layers"]:
        os.chdir(HOME)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    sys.meta_path.insert(0, Withheld(spec["withheld"]))
    shell = make_shell()
    for name in spec["preload"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    kernel.ready_to_fork()
    gc.enable()
    versions = {n: getattr(sys.modules[n], "__version__", "") for n in ("torch", "numpy") if n in sys.modules}
    control.send(json.dumps({"threads": len(os.listdir("/proc/self/task")), "versions": versions}).encode())
    Keeper(control, spec, shell).run()


class Keeper:
    def __init__(self, control, spec, shell):
        self.control, self.spec, self.shell = control, spec, shell
        self.workers = {}  # {number: process id of a worker, or of the first process of its namespace}
        self.hit = ""
        self.canary = os.dup(0)  # a worker that still has it has not closed what it must not have
        self.apart = "processes" in spec["layers"]
        if self.apart:
            self.own_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def run(self):
        while True:
            ready, _, _ = select.select([self.control], [], [], WATCH_SECONDS if self.workers else None)
            if not ready:
                self._watch()
                continue
            text, passed, _, _ = socket.recv_fds(self.control, 65536, 1)
            if not text:
                self._clear()
                return
            message = json.loads(text)
            try:
                answer = getattr(self, "_" + message.pop("do"))(*passed, **message) or {}
            except OSError as error:
                answer = {"error": str(error)}
            for descriptor in passed:
                os.close(descriptor)
            self.control.send(json.dumps(answer).encode())

    def _start(self, descriptor):
        """Fork a worker; a pipe tells whether it could be locked in."""
        reader, writer = os.pipe()
        if self.apart:
            kernel.unshare(kernel.NEW_PIDS)
        child = os.fork()
        if child == 0:
            os.close(reader)
            self.control.close()
            _become_worker(self.spec, self.shell, descriptor, writer)
        os.close(writer)
        if self.apart:
            kernel.enter(self.own_namespace, kernel.NEW_PIDS)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        number = len(self.workers)
        self.workers[number] = child
        return {"number": number} if said == "locked in" else {"error": said}

    def _interrupt(self, number):
        """Ctrl-C for a worker; the first process of a namespace passes it on."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.workers[number], signal.SIGUSR1 if self.apart else signal.SIGINT)

    def _kill(self, number):
        """End a worker, but not its snapshots."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.workers[number], signal.SIGUSR2 if self.apart else signal.SIGKILL)

    def _clear(self):
        """End all workers and everything that they started."""
        while left := _descendants():
            self._kill_all(left)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.002)
        if self.spec["scratch"]:
            for name in os.listdir(self.spec["scratch"]):
                shutil.rmtree(os.path.join(self.spec["scratch"], name), ignore_errors=True)
        self.workers.clear()
        hit, self.hit = self.hit, ""
        return {"hit": hit}

    @staticmethod
    def _kill_all(pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _watch(self):
        """End the workers when together they use more memory, or disk where it has no cap, than one may."""
        limits = Limits(**self.spec["limits"])
        allowed = (limits.memory_mb + 512) * MB
        everybody = _descendants()
        # What forks share is counted for each of them by the quick way: only when that is too much, look closely.
        too_much = sum(map(_memory_at_most, everybody)) > allowed and sum(map(_memory_share, everybody)) > allowed
        if "memory" in self.spec["layers"] and too_much:
            self.hit = "memory"
        elif self.spec["scratch"] and _disk_used(self.spec["scratch"]) > limits.disk_mb * MB:
            self.hit = "disk"
        else:
            return
        self._kill_all(_descendants())


def _descendants():
    """Process ids of everything below this process."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    found, own = [], {os.getpid()}
    while own:
        own = {pid for pid, parent in parents.items() if parent in own}
        found += own
    return found


def _memory_at_most(pid):
    """Bytes that a process and those it was forked from hold in memory, files left out."""
    return _sum_of(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:"))


def _memory_share(pid):
    """The same, with what is shared divided by how many share it; the upper bound where that cannot be read."""
    return _sum_of(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) or _memory_at_most(pid)


def _sum_of(path, names):
    with contextlib.suppress(OSError, ValueError), open(path) as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(names))
    return 0


def _disk_used(folder):
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total


class Withheld(importlib.abc.MetaPathFinder):
    """Says clearly why a module that holds the answer cannot be imported. Its file is not in the jail either."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, fullname, path=None, target=None):
        if any(fullname == name or fullname.startswith(f"{name}.") for name in self.names):
            raise ImportError(f"{fullname} is withheld while this assignment is graded: use what you wrote yourself")


# A worker -------------------------------------------------------------------------------------------------------------


def _become_worker(spec, shell, descriptor, pipe):
    """In the fork: into namespaces of its own, then locked in, then at the grader's service. Does not return."""
    status = 1
    try:
        if "processes" in spec["layers"]:
            _become_first_process(spec, descriptor, pipe)
        kernel.die_with_parent()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the grader may have been told to ignore it
        os.dup2(1, 2)  # to nowhere: the keeper's is a pipe, and whoever filled it would block the next worker
        confine(spec)
        kernel.die_with_parent()  # a change of user forgets it
        os.write(pipe, b"locked in")
        os.close(pipe)
        Worker(Channel(socket.socket(fileno=descriptor)), shell, "descriptors" in spec["layers"]).serve()
        status = 0
    except ProtocolError:
        status = 0  # the grader has what it wanted
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(pipe, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(status)


def _become_first_process(spec, descriptor, pipe):
    """Fork the worker, and stay as the first process of its namespace: all in it ends with this one."""
    kernel.die_with_parent()
    flags = {"mounts": kernel.NEW_MOUNTS, "ipc": kernel.NEW_IPC}
    kernel.unshare(sum(flag for layer, flag in flags.items() if layer in spec["layers"]))
    if "mounts" in spec["layers"]:
        kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    worker = os.fork()
    if worker == 0:
        return
    for heard, passed_on in ((signal.SIGUSR1, signal.SIGINT), (signal.SIGUSR2, signal.SIGKILL)):
        signal.signal(heard, lambda *_, number=passed_on: _signal(worker, number))
    os.close(descriptor)
    os.close(pipe)
    with contextlib.suppress(ChildProcessError):
        while True:  # the worker and its snapshots; a snapshot may outlive the worker
            os.waitpid(-1, 0)
    os._exit(0)


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Worker:
    """Does what the grader asks, one request after another.

    Args:
        channel: to the grader.
        shell: an IPython shell.
        tidy: close every descriptor but the channel's.
    """

    def __init__(self, channel, shell, tidy=True):
        self.channel, self.shell = channel, shell
        self.objects = []  # what the grader knows by number
        if tidy:
            keep_open = channel.socket.fileno()
            os.closerange(3, keep_open)
            os.closerange(keep_open + 1, 4096)

    def serve(self):
        while True:
            request = self.channel.receive(resolve=self._resolve)
            nonce, action = request.pop("nonce"), request.pop("do")
            reply = getattr(self, f"do_{action}")(**request)
            try:
                self.channel.send({"nonce": nonce, **reply}, refer=self._refer)
            except Unsendable as error:  # before its first byte went out
                self.channel.send({"nonce": nonce, "raised": ["TypeError", f"what came of it: {error}", ["TypeError"]]})

    def _resolve(self, reference):
        return self.objects[reference.number]

    def _refer(self, value):
        self.objects.append(value)
        return Reference(len(self.objects) - 1, type(value).__name__)

    def do_files(self, files):
        """Put what was handed in beside the notebook."""
        for name, content in files.items():
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "wb") as file:
                file.write(content)
        sys.path.append(os.getcwd())  # last: a learner's own module is found, and hides no other
        return {}

    def do_probe(self, spec):
        """Try the walls, before anything of a learner is here."""
        from classroom.selftest import probe

        return {"found": probe(spec)}

    def do_cell(self, source):
        with Recorder(self.shell) as outputs:
            self.shell.run_cell(source, store_history=False)
        return {"outputs": outputs}

    def do_snapshot(self, seconds):
        """Fork a copy that waits for tests on a socket of its own, whose descriptor comes with the next byte.

        Both the copy and the original go on from here: each reports on its own socket. The copy has so many seconds of
        processor time for its test, and is then ended: a test that was given up must not slow the next one.
        """
        _, (descriptor, *_), _, _ = _receive_descriptor(self.channel.socket)
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            self.channel.close()
            self.channel = Channel(socket.socket(fileno=descriptor))
        else:
            os.close(descriptor)
        return {}

    def do_names(self, names):
        """What the names are bound to now; a name that is not there is left out."""
        space = self.shell.user_ns
        return {"values": {name: space[name] for name in names if name in space}}

    def do_call(self, target, args, kwargs):
        before = _as_sent(kwargs)
        reply = self._attempt(lambda: target(*args, **kwargs))
        if _as_sent(kwargs) != before:
            reply["after"] = kwargs
        return reply

    def do_attribute(self, target, name):
        return self._attempt(lambda: getattr(target, name))

    def do_item(self, target, key):
        return self._attempt(lambda: target[key])

    def do_length(self, target):
        return self._attempt(lambda: len(target))

    def do_items(self, target):
        return self._attempt(lambda: list(islice(iter(target), MAX_ITEMS)))

    def do_gradients(self, target, kwargs, along):
        """Gradients of the sum of the result, or of its product with `along`, by the floating-point tensors."""
        import torch

        def floating(value):
            return isinstance(value, torch.Tensor) and value.is_floating_point()

        leaves = {name: value.requires_grad_() for name, value in kwargs.items() if floating(value)}

        def work():
            result = target(**kwargs)
            (result if along is None else result * along).sum().backward()
            return {name: leaf.grad for name, leaf in leaves.items()}

        return self._attempt(work)

    def _attempt(self, work):
        try:
            with Recorder(self.shell):  # what a test makes the code print is nobody's output
                return {"value": work()}
        except BaseException as error:
            bases = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
            return {"raised": [type(error).__name__[:100], _text_of(error)[:5000], bases]}


def _receive_descriptor(connection):
    connection.setblocking(True)
    try:
        return socket.recv_fds(connection, 1, 1)
    finally:
        connection.setblocking(False)


def _as_sent(value):
    try:
        encoder = Encoder(lambda thing: Reference(0, type(thing).__name__))
        tree = encoder.encode(value)
        return json.dumps(tree), {name: array.tobytes() for name, array in encoder.arrays.items()}
    except Exception:
        return None


def _text_of(error):
    try:
        return str(error)
    except BaseException:
        return ""


# What a cell shows ----------------------------------------------------------------------------------------------------


def make_shell():
    """An IPython shell without history, start-up files or colours, which tells the Recorder what it shows."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, **_):
            Recorder.current.add_data("display", data)

    class Hook(DisplayHook):
        def __call__(self, result=None):
            if result is not None and not self.quiet():
                data, _ = self.compute_format_data(result)
                self.update_user_ns(result)
                Recorder.current.add_data("result", data)

    class Shell(InteractiveShell):
        display_pub_class = Type(Publisher)
        displayhook_class = Type(Hook)

        def showtraceback(self, *arguments, **_):
            Recorder.current.add_error(sys.exc_info())

        showsyntaxerror = showtraceback

    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(config=config)
    shell.user_ns["__name__"] = "__main__"
    return shell


class Recorder(list):
    """What a cell prints, displays and raises while this is entered; no more than MAX_OUTPUT of it."""

    current = None

    def __init__(self, shell):
        super().__init__()
        self.shell, self.left = shell, MAX_OUTPUT

    def __enter__(self):
        self.before, Recorder.current = Recorder.current, self
        self.streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = Stream(self, "stdout"), Stream(self, "stderr")
        return self

    def __exit__(self, *error):
        Recorder.current = self.before
        sys.stdout, sys.stderr = self.streams

    def add_text(self, name, text):
        if self.left <= 0:
            return
        kept = text[: self.left]
        self.left -= len(text)
        if self.left <= 0:
            kept += "\n... (the rest of the output was cut)\n"
        if self and self[-1].get("name") == name:
            self[-1]["text"] += kept
        else:
            self.append({"type": "stream", "name": name, "text": kept})

    def add_data(self, kind, data):
        kept = {}
        text = data.get("text/plain")
        if isinstance(text, str) and self.left > 0:
            kept["text/plain"] = text[: self.left]
            self.left -= len(text)
        for mime in ("image/png", "image/jpeg"):
            image = data.get(mime)
            image = base64.b64decode(image) if isinstance(image, str) else image
            if isinstance(image, bytes) and len(image) <= MAX_IMAGE:
                kept[mime] = image
        if kept:
            self.append({"type": kind, "data": kept})

    def add_error(self, error):
        kind, value, trace = error
        while trace and trace.tb_next and not trace.tb_frame.f_code.co_filename.startswith("<ipython-input"):
            trace = trace.tb_next  # the shell's own frames are no help
        try:
            text = "".join(traceback.format_exception(kind, value, trace, limit=-20))[-5000:]
        except BaseException:
            text = ""
        self.append({"type": "error", "name": kind.__name__[:100], "value": _text_of(value)[:5000], "text": text})


class Stream(io.TextIOBase):
    def __init__(self, recorder, name):
        self.recorder, self.stream_name, self.lock = recorder, name, threading.Lock()

    def write(self, text):
        with self.lock:
            self.recorder.add_text(self.stream_name, str(text))
        return len(text)

    def writable(self):
        return True
