"""The jail: a process in which learners' cells run and from which nothing but frames comes out.

Two layers of process. The *keeper* (`classroom.worker`) is started once, inside bubblewrap where namespaces are to be
had; it imports what the notebooks need and runs nothing of a learner's. For each submission it forks a *worker*,
which moves into namespaces of its own, gives up its user, its capabilities and its resources, and only then reads the
first byte of a learner. So the price of importing torch is paid once, and every worker starts clean.

This module is read on both sides: `Jail` by the grader, `confine` by the worker.
"""

import json
import math
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from classroom import kernel

HOME = "/learner"
LIBRARY = "/library"
OWN = "/own"  # where a worker's own, capped file system is mounted
UNSEEN = "/unseen"  # lies in the jail's file system, and Landlock does not allow it: so one can tell whether it works
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin")
SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
MB = 1 << 20
HEADROOM_MB = 1024  # what libraries map but do not touch
FIRST_USER = 60200  # ids that belong to nobody: a grader that is root gives its workers one of the next 800

NAMESPACES = ("mounts", "network", "processes", "ipc", "hostname")  # each a namespace of bubblewrap's or the worker's
LOCKS = ("user", "capabilities", "landlock", "seccomp", "environment", "descriptors")
LIMITS = ("memory", "forks", "disk", "file size", "cpu")
MODES = {
    "bubblewrap": (*NAMESPACES, *LOCKS, *LIMITS),
    "landlock": (*LOCKS, *[name for name in LIMITS if name != "disk"]),
    "none": (),
}


class SandboxError(Exception):
    """The jail cannot be had here, or a layer of it does not hold. Nothing may be graded."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds are of wall-clock time; the rest bounds a jail."""

    cell_seconds: int = 20
    notebook_seconds: int = 120
    memory_mb: int = 2048
    disk_mb: int = 256
    processes: int = 64


def choose_mode():
    """The strongest jail that this computer offers."""
    if not sys.platform.startswith("linux"):
        raise SandboxError("grading needs Linux: there is no sandbox for learners' code on this system")
    if shutil.which("bwrap"):
        trial = ["bwrap", "--unshare-all", *_user_options(), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        if subprocess.run(trial, capture_output=True, timeout=30).returncode == 0:
            return "bubblewrap"
    if kernel.landlock_version():
        closed = _closed_to_others()
        if os.geteuid() == 0 and closed:
            raise SandboxError(
                f"install bubblewrap, or grade as an ordinary user: the user that root gives to a worker may not enter "
                f"{closed}, where Python lies"
            )
        return "landlock"
    raise SandboxError(
        "there is no sandbox here: install bubblewrap (on Debian and Ubuntu: apt install bubblewrap) "
        "on a kernel that lets it make namespaces, or use a kernel with Landlock (5.13 or later)"
    )


def _user_options():
    """Root makes namespaces by itself; anybody else needs a user namespace, with the right to make more inside."""
    if os.geteuid() == 0:
        return []
    return ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"]


class Jail:
    """A keeper, and the workers that it forks for one submission after another.

    Args:
        library: folder with the packages that learners may import, `classroom`'s own part among them.
        limits: Limits of a submission.
        mode: "bubblewrap", "landlock" or "none".
        preload: names of modules that the keeper imports.
        withheld: names of modules whose import is refused.
        readable: further paths that a worker may read.
        without: layers to leave out, so that a test can see them missed.
    """

    def __init__(self, library, limits, mode, preload=(), withheld=(), readable=(), without=()):
        self.limits, self.mode = limits, mode
        self.layers = tuple(name for name in MODES[mode] if name not in without)
        self.library = Path(library)
        self.readable = [str(path) for path in readable]
        self.apart = "mounts" in self.layers  # a file system of its own
        self.scratch = None
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = self._environment()
        if mode != "none" and "environment" not in self.layers:
            environment = {**os.environ, **environment}
        if not self.apart:
            self.scratch = tempfile.TemporaryDirectory(prefix="jail-", ignore_cleanup_errors=True)
        self.keeper = subprocess.Popen(
            self._command(theirs.fileno()),
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self.group = ControlGroup(self.keeper.pid, limits)
        self._tell(
            layers=self.layers,
            limits=asdict(limits),
            preload=list(preload),
            withheld=list(withheld),
            read=self._read_paths(),
            scratch=self.scratch.name if self.scratch else "",
            user=FIRST_USER + os.getpid() % 800 if os.geteuid() == 0 else None,
        )
        ready = self._answer(seconds=300)
        self.versions = ready["versions"]
        if ready["threads"] != 1:
            raise SandboxError(
                f"the sandbox's keeper runs {ready['threads']} threads after its imports, and may run one"
            )

    def _command(self, descriptor):
        program = [os.path.abspath(sys.executable), "-I", "-B", "-c", START, str(descriptor)]
        if self.mode != "bubblewrap":
            return [*program, str(self.library)]
        options = ["bwrap", "--die-with-parent", "--new-session", *_user_options()]
        for layer, option in (("network", "net"), ("processes", "pid"), ("ipc", "ipc"), ("hostname", "uts")):
            if layer in self.layers:
                options.append(f"--unshare-{option}")
        if not self.apart:
            options += ["--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
            return [*options, "--", *program, str(self.library)]
        options += ["--unshare-cgroup-try", "--tmpfs", "/tmp"]  # first: Python may lie in it
        for path in SYSTEM:
            if os.path.islink(path):
                options += ["--symlink", os.readlink(path), path]
            elif os.path.exists(path):
                options += ["--ro-bind", path, path]
        for path in [*SETTINGS, *_python(), *self.readable]:
            for parent in reversed(Path(path).parents[:-1]):
                options += ["--dir", str(parent)]  # by itself, bubblewrap makes folders that only root can enter
            options += ["--ro-bind-try", path, path]
        options += ["--proc", "/proc", "--dev", "/dev", "--dir", HOME, "--dir", OWN]
        options += ["--ro-bind", str(self.library), LIBRARY, "--ro-bind", str(self.library / "classroom"), UNSEEN]
        return [*options, "--remount-ro", "/dev", "--remount-ro", "/", "--", *program, LIBRARY]

    def _read_paths(self):
        return [*SYSTEM, *SETTINGS, *_python(), *self.readable, self._seen_library(), "/proc"]

    def _seen_library(self):
        return LIBRARY if self.apart else str(self.library)

    def _environment(self):
        home = HOME if self.mode == "bubblewrap" else "/nonexistent"
        single = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM", "RAYON")
        return {
            "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": home,
            "USER": "learner",
            "LOGNAME": "learner",
            "LANG": "C.UTF-8",
            "TMPDIR": "/tmp",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "CUDA_VISIBLE_DEVICES": "",
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "CLASSROOM_GRADING": "1",
            **{f"{name}_NUM_THREADS": "1" for name in single},
        }

    def start_worker(self):
        """A new worker, locked in: (its number, the grader's end of its socket)."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._tell(theirs, do="start")
        answer = self._answer()
        if "number" not in answer:
            raise SandboxError(f"no worker could be locked in: {answer.get('error')}")
        return answer["number"], ours

    def interrupt(self, number):
        """Ctrl-C for a worker."""
        self._tell(do="interrupt", number=number)
        self._answer()

    def kill(self, number):
        self._tell(do="kill", number=number)
        self._answer()

    def clear(self):
        """End everything that the workers have started; returns what they ran into ("memory"), if anything."""
        self._tell(do="clear")
        return self._answer()["hit"]

    def _tell(self, passed=None, **message):
        try:
            socket.send_fds(self.control, [json.dumps(message).encode()], [passed.fileno()] if passed else [])
        except OSError as error:
            raise SandboxError(f"the sandbox's keeper is gone{self._last_words()}") from error

    def _answer(self, seconds=60):
        self.control.settimeout(seconds)
        try:
            answer = self.control.recv(65536)
        except TimeoutError as error:
            raise SandboxError(f"the sandbox's keeper did not answer within {seconds} s") from error
        except OSError:
            answer = b""
        if not answer:
            raise SandboxError(f"the sandbox's keeper is gone{self._last_words()}")
        return json.loads(answer)

    def _last_words(self):
        with suppress(Exception):
            self.keeper.kill()
            said = self.keeper.communicate(timeout=10)[1].decode(errors="replace").strip().splitlines()
            return f": {said[-1]}" if said else ""
        return ""

    def close(self):
        self.control.close()  # the keeper ends at that
        try:
            self.keeper.wait(10)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
        self.keeper.stderr.close()
        self.group.remove()
        if self.scratch:
            self.scratch.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


START = "import sys; sys.path.insert(0, sys.argv[2]); from classroom.worker import keep; keep(int(sys.argv[1]))"


def _python():
    """Where this Python and its packages lie."""
    places = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))}
    return sorted(place for place in places if not place.startswith("/usr/") and place != "/usr")


def _closed_to_others():
    """A folder on the way to Python that only some users may enter; None if there is none."""
    parents = {parent for place in _python() for parent in [Path(place), *Path(place).parents]}
    return next((str(parent) for parent in sorted(parents) if not parent.stat().st_mode & 0o001), None)


def seen_in_jail(folder):
    """The path that learners' code can read and that this folder lies in; None if there is none, as there should be."""
    return next((place for place in [*SYSTEM, *_python()] if Path(folder).resolve().is_relative_to(place)), None)


class ControlGroup:
    """A keeper and its workers as one: a memory limit, a process limit, and no more processor time than another jail.

    Where this user may make control groups; elsewhere the limits of each process have to do.
    """

    def __init__(self, pid, limits):
        self.folders = []
        memory = (limits.memory_mb + limits.disk_mb + HEADROOM_MB) * MB
        files = {
            "memory": {"memory.max": memory, "memory.limit_in_bytes": memory},
            "pids": {"pids.max": 2 * limits.processes + 32},
            "cpu": {},  # a group has one share, however many processes it has
        }
        unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            place = Path("/sys/fs/cgroup", controllers, path.lstrip("/"), f"classroom-{pid}")
            wanted = files.keys() if unified and not controllers else files.keys() & {controllers}
            with suppress(OSError):
                for controller in wanted:
                    self._join(place, files[controller], pid)

    def _join(self, folder, settings, pid):
        for left in folder.parent.glob("classroom-*"):  # by a grader that was killed
            if not Path("/proc", left.name.removeprefix("classroom-")).exists():
                with suppress(OSError):
                    left.rmdir()
        folder.mkdir(exist_ok=True)
        self.folders.append(folder)
        for name, value in settings.items():
            if (folder / name).exists():
                (folder / name).write_text(str(value))
        (folder / "cgroup.procs").write_text(str(pid))

    def remove(self):
        for folder in self.folders:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:  # its last process is not quite gone
                    time.sleep(0.02)


# On the worker's side -------------------------------------------------------------------------------------------------


def confine(spec):
    """Lock this process in; `spec` is what the grader told the keeper. Called before a learner's first byte is read."""
    layers, limits = set(spec["layers"]), Limits(**spec["limits"])
    home, temporary = _own_files(spec, layers, limits)
    os.environ.update(HOME=home, TMPDIR=temporary, IPYTHONDIR=f"{temporary}/ipython", MPLCONFIGDIR=f"{temporary}/mpl")
    tempfile.tempdir = None  # what a library asked for before, it shall ask for again
    os.chdir(home)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # when memory ends, this is what goes
    _set_limits(layers, limits)
    if "capabilities" in layers:
        kernel.forbid_capabilities()
    if spec["user"] is not None and "user" in layers:
        os.setgroups([])
        os.setresgid(spec["user"], spec["user"], spec["user"])
        os.setresuid(spec["user"], spec["user"], spec["user"])
    if "capabilities" in layers:
        kernel.drop_capabilities()
    if "landlock" in layers:
        shared = [] if spec["scratch"] else ["/dev/shm"]  # where it is not ours alone, files in it would outlive us
        kernel.landlock(spec["read"], [home, temporary, *shared, *DEVICES])
    if "seccomp" in layers:
        kernel.seccomp(sockets="network" in layers)


def _own_files(spec, layers, limits):
    """An empty home and a temporary folder, capped where mounting is possible; returns both paths."""
    if "mounts" not in layers or spec["scratch"]:
        place = Path(spec["scratch"] or "/tmp", f"worker-{os.getpid()}")
        folders = [place / "home", place / "tmp"]
        for folder in folders:
            folder.mkdir(parents=True, mode=0o700)
            if spec["user"] is not None:
                os.chown(folder, spec["user"], spec["user"])
        place.parent.chmod(0o711)
        return tuple(map(str, folders))
    size = f"size={limits.disk_mb}m,nr_inodes=20000,mode=755" if "disk" in layers else "mode=755"
    kernel.mount("tmpfs", OWN, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, size)
    in_the_way = any(path.startswith("/tmp/") for path in spec["read"])  # Python may lie there
    temporary = f"{OWN}/tmp" if in_the_way else "/tmp"
    for name, target in (("home", HOME), ("shm", "/dev/shm"), ("tmp", temporary)):  # all three share one quota
        os.mkdir(f"{OWN}/{name}", 0o700)
        if spec["user"] is not None:
            os.chown(f"{OWN}/{name}", spec["user"], spec["user"])
        if target != f"{OWN}/{name}":
            kernel.mount(f"{OWN}/{name}", target, "", kernel.MS_BIND)
    return HOME, temporary


def _set_limits(layers, limits):
    def limit(what, amount):
        resource.setrlimit(what, (int(amount), int(amount)))

    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NOFILE, 512)
    limit(resource.RLIMIT_MSGQUEUE, 0)
    if "forks" in layers:
        limit(resource.RLIMIT_NPROC, limits.processes + _processes_of_user())
    if "memory" in layers:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit(resource.RLIMIT_AS, mapped + limits.memory_mb * MB)
    if "file size" in layers:
        limit(resource.RLIMIT_FSIZE, limits.disk_mb * MB)
    if "cpu" in layers:
        limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + limits.notebook_seconds + 5)


def _processes_of_user():
    """How many this user has already where it shares them with others: Landlock's mode for an ordinary user."""
    if os.geteuid() == 0 or os.path.exists(UNSEEN):
        return 0
    own = os.geteuid()
    return sum(entry.name.isdigit() and entry.stat().st_uid == own for entry in os.scandir("/proc"))
