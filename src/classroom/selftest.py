"""Does the jail hold? Every layer is tried from inside, by a worker that is locked in like any other.

A wall that is missing is found by walking through it, or, where another wall stands behind, by the sign that it
leaves in /proc. A grader that finds one missing refuses to grade.
"""

import mmap
import os
import resource
import secrets
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, closing, suppress

from classroom import kernel
from classroom.protocol import Channel
from classroom.sandbox import MB, UNSEEN, Limits, SandboxError

CANARY = "CLASSROOM_CANARY"
SPACES = {"mounts": "mnt", "network": "net", "processes": "pid", "ipc": "ipc", "hostname": "uts"}


def tested(make_jail):
    """Start a jail and probe every layer of it, with its first worker; returns the jail, ready for the next.

    Args:
        make_jail: starts a Jail; called when the canaries are out.

    Raises:
        SandboxError: names the layers that a probe walked through. The jail has been closed.
    """
    os.environ[CANARY] = secret = secrets.token_hex(16)
    listener = socket.create_server(("127.0.0.1", 0))
    with ExitStack() as on_error, closing(listener), tempfile.NamedTemporaryFile(prefix="canary-") as canary:
        canary.write(secret.encode())
        canary.flush()
        os.chmod(canary.name, 0o644)
        try:
            jail = on_error.enter_context(make_jail())
        finally:
            del os.environ[CANARY]
        spec = {
            "file": canary.name,
            "secret": secret,
            "port": listener.getsockname()[1],
            "grader": os.getpid(),
            "root": os.geteuid() == 0,
            "namespaces": {layer: os.readlink(f"/proc/self/ns/{name}") for layer, name in SPACES.items()},
            "mode": jail.mode,
            "limits": vars(jail.limits),
        }
        _, connection = jail.start_worker()
        with closing(Channel(connection)) as channel:
            channel.send({"nonce": 0, "do": "probe", "spec": spec}, time.monotonic() + 10)
            found = channel.receive(time.monotonic() + 60)["found"]
        jail.clear()
        listener.settimeout(0)
        with suppress(BlockingIOError):
            listener.accept()[0].close()
            found.append(["network", "it reached a port of this computer"])
        if found:
            raise SandboxError("the sandbox does not hold: " + "; ".join(f"{layer}: {what}" for layer, what in found))
        on_error.pop_all()
    return jail


def probe(spec):
    """Inside: [[layer, what it let through]], empty if the jail holds."""
    apart = spec["mode"] == "bubblewrap"
    limits = Limits(**spec["limits"])
    status = dict(line.split(":\t", 1) for line in _read("/proc/self/status").splitlines() if ":\t" in line)
    found = []

    def missing(layer, what):
        found.append([layer, what])

    if apart:
        for layer, name in SPACES.items():
            if os.readlink(f"/proc/self/ns/{name}") == spec["namespaces"][layer]:
                missing(layer, "it shares a namespace with the grader")
        if os.path.exists(spec["file"]):
            missing("mounts", "it sees a file of the grader's")
        if _works(lambda: os.listdir(UNSEEN)):
            missing("landlock", "it reads a folder that it is not allowed")
        if not found and _works(lambda: _fill_disk(limits.disk_mb)):  # never on a disk that is not its own
            missing("disk", f"it wrote more than {limits.disk_mb} MB")
    elif _works(lambda: _read(spec["file"])):
        missing("landlock", "it reads a file of the grader's")
    if _works(lambda: os.kill(spec["grader"], 0)):
        missing("processes" if apart else "landlock", "it can signal the grader")
    if spec["secret"] in map(str, os.environ.values()):
        missing("environment", "it sees the grader's environment variables")
    if os.geteuid() == 0 and spec["root"]:
        missing("user", "it runs as root")
    bounding = ["CapBnd"] if apart or spec["root"] else []  # an ordinary user cannot empty it, nor draw on it
    if any(int(status[name], 16) for name in ["CapInh", "CapPrm", "CapEff", "CapAmb", *bounding]):
        missing("capabilities", "it holds capabilities")
    if status["NoNewPrivs"].strip() != "1":
        missing("capabilities", "it can gain privileges")
    if status["Seccomp"].strip() != "2":
        missing("seccomp", "no filter is set on its system calls")
    if _works(lambda: kernel.unshare(kernel.NEW_USERS)):
        missing("seccomp", "it can make namespaces")
    if not apart and _works(lambda: socket.create_connection(("127.0.0.1", spec["port"]), 1)):
        missing("seccomp", "it reached a port of this computer")
    if len(_open_descriptors()) > 4:
        missing("descriptors", f"{len(_open_descriptors())} descriptors are open")
    if _works(lambda: _write_large_file(limits.disk_mb)):
        missing("file size", f"it wrote a file of more than {limits.disk_mb} MB")
    if _works(lambda: mmap.mmap(-1, (limits.memory_mb + 64) * MB).close()):
        missing("memory", f"it got more than {limits.memory_mb} MB")
    if resource.getrlimit(resource.RLIMIT_CPU)[1] == resource.RLIM_INFINITY:
        missing("cpu", "its processor time has no limit")
    if _works(lambda: _start(limits.processes + 8)):
        missing("forks", f"it started more than {limits.processes} processes")
    return found


def _works(attempt):
    try:
        attempt()
        return True
    except (OSError, ValueError, OverflowError):
        return False


def _read(path):
    with open(path) as file:
        return file.read()


def _open_descriptors():
    return [number for number in range(1024) if _works(lambda number=number: os.fstat(number))]


def _fill_disk(megabytes):
    """Write a little more than may be written, in several files."""
    names = []
    try:
        for part in range(4):
            names.append(f"fill-{part}")
            with open(names[-1], "wb") as file:
                os.posix_fallocate(file.fileno(), 0, (megabytes // 4 + 2) * MB)
    finally:
        for name in names:
            os.unlink(name)


def _write_large_file(megabytes):
    """Make a file that is too long; sparse, so only its length counts."""
    try:
        with open("long", "wb") as file:
            os.ftruncate(file.fileno(), (megabytes + 1) * MB)
    finally:
        os.unlink("long")


def _start(tasks):
    """Start so many threads, which are counted as processes are, and start in a hundredth of the time."""
    done, before = threading.Event(), threading.stack_size(1 << 16)  # so that memory is not what ends it
    started = []
    try:
        for _ in range(tasks):
            started.append(threading.Thread(target=done.wait))
            started[-1].start()
    except RuntimeError as error:  # "can't start new thread"
        started.pop()
        raise OSError(str(error)) from error
    finally:
        done.set()
        for thread in started:
            thread.join()
        threading.stack_size(before)
