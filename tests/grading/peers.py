"""The same corpus against graders that have no sandbox, each attack in a container of ours.

A peer runs in bubblewrap: all namespaces, a loopback network of its own, everything of this computer read-only and no
home, a file system in memory, an ordinary user, and limits on processes, memory, files and time. So whatever succeeds,
succeeds against a copy. A batch counts as stopped when the learner who comes next is not graded in the same run.
"""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from tests.grading import corpus
from tests.grading.run_attacks import ROOT, Report, Verdict

OTTER = "7.0.0"
OTTER_NEEDS = [f"otter-grader[grading]=={OTTER}", "nbconvert==6.5.4", "lxml_html_clean==0.4.6"]
WORK = ROOT / "_build" / "peers"
SECONDS = 500  # for one attack, all in all
# Attacks of these themes stay in their own process, so that several may share a class; if they turn out to disturb each
# other, they are tried again one by one.
GENTLE = {"assertions", "equality", "hooks", "frames", "points", "exceptions", "later", "withheld", "secrets"}
GENTLE |= {"network", "protocol", "feedback"}
GROUP = 8
MEMORY, PROCESSES = 4 << 30, 1500
FILE_BYTES, OPEN_FILES = 1 << 30, 65536
FIRST_USER = 60900
SEEN = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
SEEN += ("/etc/localtime", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group")


def run_peer(name, attacks, workers, progress):
    """Every attack on one peer; returns a Report. A run that was cut short goes on where it was."""
    started = time.monotonic()
    python, work = python_of(name), WORK / name
    base, stamp = work / "base", work / "stamp"
    if not stamp.exists() or stamp.read_text() != fingerprint():
        shutil.rmtree(work, ignore_errors=True)
        said = contained(python, name, ["prepare"], base, base, FIRST_USER)
        if not (base / "known.json").exists():
            sys.exit(f"{name} cannot grade the range even without attacks:\n{said[-3000:]}")
        subprocess.run(["chmod", "-R", "a+rX", str(base)], check=True)  # each attack comes as another user
        (work / "verdicts").mkdir()
        stamp.write_text(fingerprint())
    users = SimpleQueue()
    for worker in range(workers):
        users.put(FIRST_USER + 1 + worker)

    def try_all(group):
        group = [attack for attack in group if not (work / "verdicts" / f"{attack.id}.json").exists()]
        if group and not together(group) and len(group) > 1:
            for one in group:
                together([one])

    def together(group):
        """Whether a verdict on each of some attacks came of having them in one class."""
        user = users.get()
        out = work / group[0].id
        try:
            said = contained(python, name, [attack.id for attack in group], base, out, user)
            for verdict in read_verdicts(group, out, said):
                path = work / "verdicts" / f"{verdict['id']}.json"
                path.write_text(json.dumps(verdict))
                if progress:
                    kinds = ", ".join(sorted({kind for kind, _ in verdict["found"]})) or "nothing"
                    number = sum(1 for _ in path.parent.iterdir())
                    print(f"[{number}/{len(attacks)}] {verdict['theme']}/{verdict['id']}: {kinds}", flush=True)
            return all((work / "verdicts" / f"{attack.id}.json").exists() for attack in group)
        finally:
            users.put(user)
            subprocess.run(["rm", "-rf", str(out)], check=False)

    alone = [[attack] for attack in attacks if attack.theme not in GENTLE]
    gentle = [attack for attack in attacks if attack.theme in GENTLE]
    groups = [gentle[start : start + GROUP] for start in range(0, len(gentle), GROUP)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(try_all, groups + alone))
    found = [json.loads((work / "verdicts" / f"{attack.id}.json").read_text()) for attack in attacks]
    verdicts = [Verdict(**{k: v for k, v in one.items() if k != "skipped"}) for one in found if "skipped" not in one]
    return Report(name, verdicts, seconds=time.monotonic() - started)


def fingerprint():
    """Changes with the corpus and with what runs it."""
    whole = hashlib.sha256()
    own = [Path(__file__).with_name(f"{name}.py") for name in ("corpus", "witness", "peers", "peer_inside")]
    for path in sorted([*corpus.HERE.rglob("*.toml"), *own]):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def read_verdicts(group, out, said):
    """What a container says of its attacks; of several that disturbed each other, nothing."""
    if not (out / "ready").exists():
        raise RuntimeError(f"a container did not come up: {said[-500:]}")
    found = {}
    with suppress(OSError, ValueError):
        found = json.loads((out / "verdicts.json").read_text())
    if not found and len(group) == 1:
        stop = ["stop", f"the whole run ended, or took more than {SECONDS} s: {said[-200:].strip()}"]
        found = {group[0].id: {"found": [stop]}}
    return [
        {"id": attack.id, "theme": attack.theme, "found": [], **found[attack.id]}
        for attack in group
        if attack.id in found
    ]


def python_of(name):
    """The Python of an environment that has the peer; made on demand. Exits with a sentence where it cannot be had."""
    if name == "nbgrader":
        return sys.executable
    python = WORK.parent / "otter" / "bin" / "python"
    wanted = f"import importlib.metadata as m; assert m.version('otter-grader') == '{OTTER}'; import torch, numpy"
    if subprocess.run([python, "-c", wanted], capture_output=True).returncode if python.exists() else True:
        shutil.rmtree(python.parents[1], ignore_errors=True)
        steps = [[sys.executable, "-m", "venv", str(python.parents[1])], [python, "-m", "pip", "install", *OTTER_NEEDS]]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                sys.exit(f"skipped: otter-grader {OTTER} does not install here ({reason})")
        site = next((python.parents[1] / "lib").glob("python*/site-packages"))
        ours = next(path for path in sys.path if path.endswith("site-packages"))
        (site / "of_the_course.pth").write_text(f"{ours}\n")  # torch and numpy; otter's own packages come first
    return str(python)


def contained(python, peer, what, base, out, user):
    """Run peer_inside.py with some arguments in a container; returns what it printed."""
    seconds = SECONDS + 100 * (len(what) - 1)
    base.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    root = os.geteuid() == 0
    if root:
        os.chown(out, user, user)
    places = {sys.prefix, sys.base_prefix, str(Path(python).parents[1]), os.path.dirname(os.path.realpath(python))}
    spaces = ["ipc", "pid", "net", "uts", "cgroup-try", *([] if root else ["user"])]
    command = ["bwrap", *(f"--unshare-{space}" for space in spaces), "--die-with-parent", "--new-session", "--as-pid-1"]
    for path in [*SEEN, *sorted(place for place in places if not place.startswith("/usr"))]:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path):
            for parent in reversed(Path(path).parents[:-1]):
                command += ["--dir", str(parent)]
            command += ["--ro-bind", path, path]
    command += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--dir",
        "/etc",
        "--perms",
        "1777",
        "--size",
        str(1 << 30),
        "--tmpfs",
        "/tmp",
    ]
    command += ["--perms", "1777", "--size", str(2 << 30), "--tmpfs", "/range", "--dir", "/harness/tests"]
    command += ["--ro-bind", str(ROOT / "tests" / "grading"), "/harness/tests/grading"]
    command += ["--ro-bind", str(base), "/base", "--bind", str(out), "/out", "--chdir", "/range", "--clearenv"]
    command += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/range/home", "--setenv", "LANG", "C.UTF-8"]
    if root:
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all"]
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
        command += ["--", *become, "--no-new-privs"]
    else:
        command += ["--"]
    command += [python, "-B", "/harness/tests/grading/peer_inside.py", peer, *what]
    limits = {
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: 4 * MEMORY,
    }
    if root:  # otherwise all of this user's processes would count
        limits[resource.RLIMIT_NPROC] = PROCESSES
    with control_group(user) as join:

        def confine():
            join()
            for what, amount in limits.items():
                hard = resource.getrlimit(what)[1]
                amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
                resource.setrlimit(what, (amount, amount))

        try:
            done = subprocess.run(
                command, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, preexec_fn=confine
            )
        except subprocess.TimeoutExpired:
            return f"stopped after {seconds} s"
    return (done.stdout + done.stderr).decode("utf-8", "replace")


@contextmanager
def control_group(name):
    """Yields a function that puts the calling process under a memory and a process limit, where that can be had."""
    folders = []
    for controller, file, value in (
        ("memory", "memory.limit_in_bytes", MEMORY),
        ("pids", "pids.max", 2 * PROCESSES),
    ):
        folder = Path("/sys/fs/cgroup", controller, f"range-{os.getpid()}-{name}")
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            (folder / file).write_text(str(value))
            folders.append(folder)

    def join():
        for folder in folders:
            with suppress(OSError):
                (folder / "cgroup.procs").write_text(str(os.getpid()))

    try:
        yield join
    finally:
        for folder in folders:
            for _ in range(100):
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.05)
