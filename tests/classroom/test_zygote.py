"""What an examiner and its jail's keeper share from before they parted: torch, and no secret."""

import importlib
import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tiny_course import NAME, SLUG, make_course, notebook, solution, test_cell, write

from classroom import zygote
from classroom.course import Course
from classroom.examiner import Examiner, describe
from classroom.sandbox import Limits

LIMITS = Limits(cell_seconds=20, notebook_seconds=60)
SECRET = "kept-" + 8 * "from-learners-"

SPY = f"""
import ctypes, os, re, sys
found = {{"secret": 0, "planted": 0}}
planted = "-".join(["grown", "from", "seed"])
patterns = {{"secret": rb"[k]ept-{8 * "from-learners-"}", "planted": rb"[g]rown-from-seed"}}
for line in open("/proc/self/maps"):
    addresses, mode, _, _, inode, *name = line.split()
    if mode.startswith("rw") and inode == "0" and name != ["[vvar]"]:
        start, end = (int(address, 16) for address in addresses.split("-"))
        for place in range(start, end, 1 << 24):
            part = ctypes.string_at(place, min(end - place, (1 << 24) + 200))
            for what, pattern in patterns.items():
                found[what] += bool(re.search(pattern, part))
            del part
print("secret:", found["secret"], "planted:", found["planted"] > 0)
print("modules:", sorted(name for name in sys.modules if name.startswith("classroom.")))
print("paths:", sorted({{module.__file__.rpartition("/classroom/")[0] for name, module in list(sys.modules.items())
                        if name.startswith("classroom")}}) == sys.path[:1])
print("arguments:", sys.argv)
print("descriptors:", sorted({{os.readlink(f"/proc/self/fd/{{n}}").split(":")[0] for n in range(99)
                              if os.path.exists(f"/proc/self/fd/{{n}}")}}))
print("umask:", os.umask(0o022))
"""


def examiner_of(root, *cells, key=b"key"):
    """An examiner that knows an assignment of these cells, and the assignment."""
    make_course(root)
    write(root / "solutions" / SLUG / f"{NAME}.ipynb", notebook(list(cells)))
    setup = describe(Course(root), SLUG, LIMITS, key)
    return Examiner(setup), setup


def examined(examiner, setup):
    """What comes of handing in the reference solution: (points, what its cells printed)."""
    with closing(examiner):
        examiner.instruct()
        examiner.ready()
        examiner.send("ada", {f"{NAME}.ipynb": setup["notebooks"][f"{NAME}.ipynb"]})
        outcome = examiner.receive()
    cells = [cell for cell in json.loads(outcome["notebooks"][f"{NAME}.ipynb"])["cells"] if cell["cell_type"] == "code"]
    texts = [str(output.get("text", output)) for cell in cells for output in cell["outputs"]]
    return [mark["points"] for mark in outcome["marks"]], "".join(texts)


def test_the_memory_that_a_worker_inherits_holds_no_secret(tmp_path, monkeypatch):
    """Neither of the grader's environment, nor its folder, the key, or the text of a test."""
    folder = tmp_path / SECRET
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GRADERS_SECRET", SECRET)
    cells = [solution("spy", SPY), test_cell("spied", 1, f"assert planted == 'grown-from-seed', {SECRET!r}")]
    points, said = examined(*examiner_of(tmp_path, *cells, key=SECRET.encode()))
    assert said.splitlines() == [
        "secret: 0 planted: True",
        "modules: ['classroom.kernel', 'classroom.protocol', 'classroom.sandbox', 'classroom.worker']",
        "paths: True",
        "arguments: ['']",
        "descriptors: ['/dev/null', 'socket']",
        "umask: 18",
    ]
    assert points == [1]


def test_torch_is_imported_once(tmp_path):
    """Two imports would put it at two addresses."""
    where = solution("where", "def where():\n    import torch\n    return id(torch)")
    same = test_cell("same", 1, "import torch\nassert where() == id(torch)")
    assert examined(*examiner_of(tmp_path, where, same))[0] == [1]


@pytest.mark.parametrize("stage", ["waiting for its imports", "examining"])
def test_nothing_survives_an_examiner_that_is_killed(tmp_path, stage):
    examiner, _ = examiner_of(tmp_path, solution("nothing", "import torch"))
    process = psutil.Process(examiner.process.pid)
    with closing(examiner):
        if stage == "examining":
            examiner.instruct()
            examiner.ready()
        while not (below := process.children(recursive=True)):
            time.sleep(0.02)
        process.kill()
        deadline = time.monotonic() + 10
        while left := [child for child in below if alive(child)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.02)


def alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Anywhere:
    """A finder such as an editable installation brings."""

    def __init__(self, folder):
        self.folder = folder

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.folder / f"{name}.py")


@pytest.mark.parametrize("way", ["path", "finder"])
def test_what_the_jail_has_not_is_not_imported_for_it(tmp_path, monkeypatch, way):
    write(tmp_path / "answers_of_a_course.py", "answer = 42")
    if way == "path":
        monkeypatch.syspath_prepend(tmp_path)
    else:
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Anywhere(tmp_path)])
    with zygote.path_of_jail(["json.tool"]):
        for name in ("answers_of_a_course", "json.tool"):
            with pytest.raises(ImportError):
                importlib.import_module(name)
        importlib.reload(importlib.import_module("wave"))
    try:
        assert importlib.import_module("answers_of_a_course").answer == 42
    finally:
        sys.modules.pop("answers_of_a_course", None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs no capability of a user namespace")
def test_the_keeper_of_an_ordinary_user_may_make_namespaces_and_no_more(tmp_path):
    examiner, _ = examiner_of(tmp_path, solution("nothing", "pass"))
    with closing(examiner):
        examiner.instruct()
        examiner.ready()
        held = set()
        for process in psutil.Process(examiner.process.pid).children(recursive=True):
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            held |= {int(line.split()[1], 16) for line in status if line.startswith(("CapInh", "CapPrm", "CapEff"))}
    assert held == {0, sum(1 << number for number in zygote.KEEPERS)}
