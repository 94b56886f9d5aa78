"""The jail: it stands in every mode, and the self-test notices each layer that is left out."""

import os
import shutil
import socket
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

import classroom
from classroom import kernel, sandbox, selftest
from classroom.examiner import OWN_PART
from classroom.protocol import Channel, ProtocolError
from classroom.sandbox import MODES, Jail, Limits, SandboxError, choose_mode

LIMITS = Limits(cell_seconds=5, notebook_seconds=20, memory_mb=512, disk_mb=32, processes=16)


def possible(mode):
    if mode == "bubblewrap":
        return shutil.which("bwrap") is not None and choose_mode() == "bubblewrap"
    return kernel.landlock_version() > 0 and (os.geteuid() != 0 or not sandbox._closed_to_others())


CASES = [
    pytest.param(mode, layer, marks=pytest.mark.skipif(not possible(mode), reason=f"no {mode} here"))
    for mode in ("bubblewrap", "landlock")
    for layer in MODES[mode]
    # An ordinary user stays who it is, and without namespaces of its own has no capabilities to give up.
    if os.geteuid() == 0 or (layer != "user" and (mode, layer) != ("landlock", "capabilities"))
]


DAEMONS = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
"""

HOGS = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        hog = bytearray(b"x") * 300_000_000
        time.sleep(20)
os.wait()
"""


@pytest.fixture(scope="module")
def library():
    with tempfile.TemporaryDirectory(prefix="library-") as name:  # not pytest's: only the own user may enter that
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "classroom").mkdir()
        for name in OWN_PART:
            shutil.copy(Path(classroom.__file__).with_name(f"{name}.py"), folder / "classroom")
        yield folder


@pytest.mark.parametrize("mode", ["bubblewrap", "landlock"])
def test_it_holds(library, mode):
    if not possible(mode):
        pytest.skip(f"no {mode} here")
    with selftest.tested(lambda: Jail(library, LIMITS, mode)) as jail:
        assert jail.layers == MODES[mode]


@pytest.mark.parametrize(("mode", "layer"), CASES)
def test_a_missing_layer_is_noticed(library, mode, layer):
    without = [layer]
    if layer == "mounts" and sandbox._closed_to_others():
        without.append("user")  # a worker that is not root could not reach Python without a file system of its own
    with pytest.raises(SandboxError, match=rf"does not hold: (.*; )?{layer}: "):
        selftest.tested(lambda: Jail(library, LIMITS, mode, without=without))


@pytest.fixture(scope="module")
def jail(library):
    with Jail(library, LIMITS, choose_mode(), withheld=["secret_module"]) as jail:
        yield jail


class Asker:
    def __init__(self, connection):
        self.channel = Channel(connection)

    def cell(self, source, seconds=10):
        self.channel.send({"nonce": 1, "do": "cell", "source": source})
        outputs = self.channel.receive(time.monotonic() + seconds)["outputs"]
        return "".join(o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for o in outputs)


@pytest.fixture
def worker(jail):
    number, connection = jail.start_worker()
    asker = Asker(connection)
    asker.number = number
    with closing(asker.channel):
        yield asker
    jail.clear()


def test_a_cell_shows_what_it_prints_displays_and_raises(worker):
    assert worker.cell("print('hello'); 6 * 7") == "hello\n42"
    assert "ZeroDivisionError: division by zero" in worker.cell("1 / 0")
    assert "SyntaxError" in worker.cell("def (")
    assert worker.cell("import sys; sys.stderr.write('no harm'); None") == "no harm"


def test_only_the_own_frames_are_in_a_traceback(worker):
    assert "IPython" not in worker.cell("1 / 0")


def test_a_withheld_module_says_so(worker):
    assert "secret_module is withheld while this assignment is graded" in worker.cell("import secret_module")


def test_output_is_cut(worker):
    assert len(worker.cell("print('x' * 1_000_000)")) < 101_000


def test_no_subprocess_regains_anything(worker):
    said = worker.cell(
        "import subprocess; print(subprocess.run(['cat', '/proc/self/status'], capture_output=True, text=True).stdout)"
    )
    status = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_an_interrupt_ends_a_cell_and_not_the_worker(jail, worker):
    worker.channel.send({"nonce": 1, "do": "cell", "source": "x = 1\nwhile True: pass"})
    time.sleep(0.2)
    jail.interrupt(worker.number)
    assert "KeyboardInterrupt" in str(worker.channel.receive(time.monotonic() + 5))
    assert worker.cell("x") == "1"


def test_nothing_is_left_of_a_submission(jail):
    _, connection = jail.start_worker()
    with closing(connection):
        Asker(connection).cell(DAEMONS)
    jail.clear()
    _, connection = jail.start_worker()
    with closing(connection):
        assert Asker(connection).cell("import os; sorted(os.listdir())") == "[]"
    jail.clear()
    mine = [pid for pid in os.listdir("/proc") if pid.isdigit() and _below(int(pid), jail.keeper.pid)]
    assert len(mine) <= 2  # bubblewrap's own first process, and the keeper


def _below(pid, ancestor):
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
        if pid == ancestor:
            return True
    return False


def test_more_memory_than_allowed_is_the_end(jail):
    _, connection = jail.start_worker()
    asker = Asker(connection)
    with closing(asker.channel), pytest.raises(ProtocolError):
        asker.cell(HOGS, seconds=15)
    assert jail.clear() == "memory"


def test_a_dead_keeper_is_one_sentence(library):
    jail = Jail(library, LIMITS, choose_mode())
    jail.keeper.kill()
    jail.keeper.wait()

    def start_until_it_fails():
        for _ in range(200):  # what bubblewrap had started goes with it, in its own time
            jail.start_worker()
            time.sleep(0.05)

    with pytest.raises(SandboxError, match="keeper is gone"):
        start_until_it_fails()
    jail.close()


def test_without_any_sandbox_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    monkeypatch.setattr(kernel, "landlock_version", lambda: 0)
    with pytest.raises(SandboxError, match="apt install bubblewrap"):
        choose_mode()


def test_the_network_is_not_there(worker):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        assert "Error" in worker.cell(f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)")
