"""How an examining process and its jail's keeper begin: as one process, which imports once what both of them need.

To import torch takes as long as to grade several submissions. So a process does it that knows nothing yet: it was
started with the jail's environment, and has read nothing of what it is to grade. Then it forks. The child, the
*embryo*, waits until it is told to become the keeper of a jail. The parent becomes the examiner, and only now is told
the setup, with the key in it. What a learner may find in the keeper's memory was there before there was a secret.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback

from classroom import kernel
from classroom.sandbox import Withheld, seen_in_jail

START = "import sys; sys.path.insert(0, sys.argv[1]); from classroom import zygote; del sys.path[0]; zygote.{}()"
KEEPERS = (kernel.CAP_SETPCAP, kernel.CAP_SYS_ADMIN)  # to make namespaces, and to drop these two


def program(function, descriptor, *words):
    """A command line: a Python that heeds no settings of its user's runs a function of this module."""
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    python = [os.path.abspath(sys.executable), "-I", "-c", START.format(function.__name__)]
    return [*python, source, str(descriptor), *words]


def begin():
    """Import what the command line names, fork the embryo, and go on as the examiner."""
    gc.disable()  # what is loaded until the first submission comes, stays: looking through it again and again is waste
    descriptor, modules, withheld = sys.argv[2:]
    with path_of_jail(withheld.split()):
        for name in modules.split():
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    if kernel.threads() != 1:
        sys.exit(f"one of these modules starts threads when it is imported, which no sandbox allows: {modules}")
    gc.collect()
    gc.freeze()  # for both: neither the examiner nor the keeper looks through it again, or copies it for that
    embryo = Embryo.fork()
    from classroom.examiner import serve

    serve(int(descriptor), embryo)


@contextlib.contextmanager
def path_of_jail(withheld):
    """Find no module but those that could be imported in the jail: another might hold answers."""
    path, finders = sys.path[:], sys.meta_path[:]
    machinery = importlib.machinery
    sys.path[:] = filter(seen_in_jail, path)
    sys.meta_path[:] = Withheld(withheld), machinery.BuiltinImporter, machinery.FrozenImporter, machinery.PathFinder
    try:
        yield
    finally:
        sys.path[:], sys.meta_path[:] = path, finders


class Embryo:
    """A child that waits to become a keeper, seen from its parent. It ends when its parent does.

    Args:
        pid: its process id.
        control: the parent's end of its socket.
        stderr: descriptor from which to read what it says when it fails.
    """

    def __init__(self, pid, control, stderr):
        self.pid, self.control, self.stderr = pid, control, stderr
        self.handle = os.pidfd_open(pid)

    @classmethod
    def fork(cls):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            ours.close()
            os.dup2(writer, 2)
            become_keeper(theirs)
        theirs.close()
        os.close(writer)
        return cls(pid, ours, reader)

    def wait(self, seconds=None):
        """Whether it has ended, after so many seconds at most."""
        ended = bool(select.select([self.handle], [], [], seconds)[0])
        with contextlib.suppress(ChildProcessError):  # somebody has asked before
            os.waitpid(self.pid, os.WNOHANG)
        return ended

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        self.wait()

    def last_words(self):
        """End it; returns the last line that it has said on stderr."""
        self.kill()
        with os.fdopen(os.dup(self.stderr), errors="replace") as pipe:
            return "".join(pipe.read().strip().splitlines()[-1:])

    def close(self):
        """Let it end, or make it."""
        self.control.close()
        if not self.wait(10):
            self.kill()
        os.close(self.handle)
        os.close(self.stderr)


# In the embryo --------------------------------------------------------------------------------------------------------


def hatch():
    """What `Embryo.fork` does in the child, as a program of its own: for whoever has more in memory than is good."""
    become_keeper(socket.socket(fileno=int(sys.argv[2])))


def become_keeper(control):
    """Wait for a Jail's word, move into its namespaces, and be its keeper. Does not return."""
    status = 1
    try:
        kernel.die_with_parent()
        os.closerange(3, control.fileno())
        os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        text, passed, _, _ = socket.recv_fds(control, 1 << 20, 1)
        if text:  # else its parent had no use for it
            spec = json.loads(text)
            for process in passed:
                move_in(process, spec["namespaces"])
            kernel.no_new_privileges()
            forget(spec)
            from classroom.worker import keep

            keep(control, spec)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def move_in(process, namespaces):
    """Enter namespaces of a process, and be left there with no more privileges than its first process had.

    Args:
        process: a pidfd; it is closed.
        namespaces: flags of those to enter.
    """
    kernel.enter(process, namespaces)  # root and working directory are the jail's from here
    os.close(process)
    with contextlib.suppress(OSError):
        kernel.unshare(kernel.NEW_CGROUP)
    if namespaces & kernel.NEW_PIDS:  # which only a child is in
        reader, _ = os.pipe()
        if os.fork():  # what stays outside has to end when the child does, and needs neither torch nor rights for that
            os.dup2(reader, 0)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            kernel.forbid_capabilities()
            kernel.drop_capabilities()
            os.execvp("cat", ["cat"])
        os.close(reader)
        kernel.die_with_parent()
    if namespaces & kernel.NEW_USERS:  # who enters one has every capability in it
        kernel.forbid_capabilities(but=KEEPERS)
        kernel.drop_capabilities(but=KEEPERS)


def forget(spec):
    """Leave of the interpreter's state what it would be, had it been started in the jail."""
    os.setsid()
    os.umask(0o022)
    os.chdir("/")
    os.environ.clear()
    os.environ.update(spec["environment"])
    sys.argv[:] = [""]
    sys.dont_write_bytecode = True
    sys.path[:] = [spec["library"], *filter(os.path.exists, sys.path)]
    sys.path_importer_cache.clear()
    tempfile.tempdir = None
    if "numpy" in sys.modules:  # `random` sees to it by itself, and torch starts with the same seed everywhere
        sys.modules["numpy"].random.seed()
    for name in [name for name in sys.modules if name.partition(".")[0] == "classroom"]:
        del sys.modules[name]  # the jail has its own part of it
