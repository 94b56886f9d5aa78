"""Over 500 malformed hand-ins, the same ones for the same seed: what people, editors, disks and bad intentions make.

Each starts from a notebook with every answer right, so that what only looks odd can be told from what costs marks.
"""

import json
import os
import random
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from classroom.results import GRADED, LIMITED, QUARANTINED

RUN = (GRADED, LIMITED)
ANY = (*RUN, QUARANTINED)


@dataclass(frozen=True)
class Case:
    """One hand-in.

    Attributes:
        name: the learner's, which says what is wrong.
        make: function that makes what is handed in at a path.
        states: those that it may end in.
        full: whether it earns full marks; None where that is left open.
    """

    name: str
    make: Callable
    states: tuple = ANY
    full: bool | None = None


def cases(right, notebook, seed=0):
    """All cases.

    Args:
        right: the notebook with right answers, as nbformat's JSON.
        notebook: its file name.
        seed: of what is drawn at random.
    """
    right = {**right, "cells": [{**cell, "source": "".join(cell["source"])} for cell in right["cells"]]}
    rng = random.Random(seed)
    found = []

    def add(group, make, states=ANY, full=None):
        found.append(Case(f"{group}-{len(found):03d}", make, states, full))

    def add_bytes(group, content, states=ANY, full=None):
        add(group, lambda folder: _write(folder / notebook, content), states, full)

    for content in spoilt_bytes(right):
        add_bytes("bytes", content, (QUARANTINED,), False)
    for content in cut_and_changed_bytes(right, rng):
        add_bytes("noise", content)
    for content in odd_but_whole(right):
        add_bytes("whole", content, (GRADED,), True)
    for place, wrong in wrong_values(right):
        add_bytes("value", _dump(put(right, place, wrong)))
    for place, wrong in values_without_effect(right, rng):
        add_bytes("idle", _dump(put(right, place, wrong)), RUN, True)
    for tree in shaken_trees(right, rng):
        add_bytes("tree", _dump(tree))
    for source in ODD_CODE:
        add_bytes("code", _dump(with_cell(right, source)), RUN, True)
    good = _dump(right)
    for make in bad_folders(notebook, good):
        add("folder", make, (QUARANTINED,), False)
    for make in odd_folders(notebook, good):
        add("odd", make, (GRADED,), True)
    return found


def _dump(tree):
    return json.dumps(tree).encode()


def _write(path, content=b"x = 1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# The notebook's bytes -------------------------------------------------------------------------------------------------


def spoilt_bytes(right):
    """What is no notebook in JSON."""
    good, text = _dump(right), json.dumps(right)
    yield from (
        b"",
        b" ",
        b"\n\n",
        b"\0",
        b"\0" * 1000,
        b"null",
        b"[]",
        b"{}",
        b"3",
        b'"text"',
        b"NaN",
        b"true",
        b"[[[]]]",
    )
    yield from (good + b"}", good + good, b"x" + good, good[1:], good + b"\0", b"\0" + good, b"[" + good + b"]")
    yield from (text.encode(encoding) for encoding in ("utf-16", "utf-16-le", "utf-32", "cp500"))
    yield from (b"\xff" + good, good.replace(b"Sums", b"\xc3"), good.replace(b"Sums", b"\xed\xa0\x80"))
    yield from (
        text.replace('"', "'").encode(),
        b"// mine\n" + good,
        good.replace(b": true", b": True"),
        good[:-1] + b",}",
    )
    yield from (
        b"[" * 100_000,
        b'{"cells":' * 50_000,
        b'{"nbformat": 4, "cells": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    )
    yield from (b"%PDF-1.7\n", b"PK\x03\x04" + good, b"\x1f\x8b\x08\0" + good, b"\x89PNG\r\n\x1a\n", b"\x7fELF", b"MZ")
    yield from (b"# %%\ndef add(a, b):\n    return a + b\n", b"<!DOCTYPE html><title>Sums</title>", b"cells:\n  - a\n")
    yield from (b'{"nbformat": 4, "cells": ' + b"9" * 5000 + b"}", b'{"nbformat": ' + b"4" * 300 + b"}")
    yield b" " * 20_000_001  # larger than a notebook may be
    yield _dump({**right, "cells": [{**right["cells"][0], "source": [{}] * 1_000_000}]})  # whose complaint is long, too
    for keep in range(40):
        yield good[: len(good) * keep // 40]


def cut_and_changed_bytes(right, rng):
    """A few bytes wrong, anywhere."""
    for _ in range(40):
        content = bytearray(_dump(right))
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(content))
            content[place : place + rng.randint(0, 2)] = rng.choice(
                [b"", b"\0", b'"', b"}", b"[", b"\xff", rng.randbytes(1)]
            )
        yield bytes(content)


def odd_but_whole(right):
    """What is strange and still says everything."""
    good, text = _dump(right), json.dumps(right, ensure_ascii=False)
    yield from (
        b"\xef\xbb\xbf" + good,
        b"\n \t" + good + b"\r\n",
        json.dumps(right, indent=8).replace("\n", "\r\n").encode(),
    )
    yield text.encode()
    yield good.replace(b'"nbformat"', b'"nbformat": "none", "nbformat"', 1)  # of two, the last counts
    lines = deepcopy(right)
    for cell in lines["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    yield _dump(lines)
    yield _dump({**right, "cells": right["cells"][::-1]})
    yield _dump({**right, "metadata": {"widgets": [{}] * 1_000_000}})
    yield _dump({**right, "cells": [*right["cells"], *right["cells"]]})
    yield _dump(
        {**right, "cells": right["cells"] + [{**cell, "source": "raise ValueError"} for cell in right["cells"]]}
    )
    yield _dump(
        {**right, "cells": [cell for cell in right["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")]}
    )
    yield _dump({**right, "cells": [{**cell, "id": "same"} for cell in right["cells"]]})
    yield _dump({**right, "cells": [{k: v for k, v in cell.items() if k != "id"} for cell in right["cells"]]})
    padding = [{"cell_type": "raw", "metadata": {}, "source": "\ud800"}] * (1000 - len(right["cells"]))
    yield _dump({**right, "cells": padding + right["cells"]})


# Values in the notebook -----------------------------------------------------------------------------------------------


def _deep(levels, wrap):
    value = "x"
    for _ in range(levels):
        value = wrap(value)
    return value


WRONG = [
    None, True, False, 0, -1, 1.5, 1e308, 10**400, float("nan"), float("inf"), "", "x", "\ud800", "\0",
    "\x1b[31m\u202e", "9" * 10_000, [], [[]], ["a", 1], [None], {}, {"a": {}}, _deep(200, lambda x: [x]),
    _deep(200, lambda x: {"a": x}),
]  # fmt: skip


def put(tree, place, value):
    """A copy of a tree with another value at a place, which is a list of keys."""
    tree = deepcopy(tree)
    inner = tree
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return tree


def _places(right, rng):
    """The index of an answer's cell, of a test's, of a text, drawn at random."""
    kinds = {"answer": [], "test": [], "text": []}
    for index, cell in enumerate(right["cells"]):
        grading = cell["metadata"].get("nbgrader", {})
        kinds["answer" if grading.get("solution") else "test" if grading.get("grade") else "text"].append(index)
    return {kind: rng.choice(indexes) for kind, indexes in kinds.items()}


def wrong_values(right):
    """(place, wrong value) of everything that grading reads."""
    answer = next(i for i, cell in enumerate(right["cells"]) if cell["metadata"].get("nbgrader", {}).get("solution"))
    cell = ["cells", answer]
    places = (["nbformat"], ["cells"], cell, [*cell, "cell_type"], [*cell, "metadata"], [*cell, "source"])
    for place in places:
        for wrong in WRONG:
            yield place, wrong
    for place in ([*cell, "metadata", "nbgrader"], [*cell, "metadata", "nbgrader", "grade_id"]):
        for wrong in WRONG[::3]:
            yield place, wrong


def values_without_effect(right, rng):
    """(place, wrong value) of what a hand-in may say and grading does not ask."""
    at = _places(right, rng)
    whole = ["nbformat_minor"], ["metadata"], ["metadata", "kernelspec"], ["metadata", "classroom"], ["title"]
    any_cell = (
        ["id"],
        ["outputs"],
        ["execution_count"],
        ["attachments"],
        ["metadata", "tags"],
        ["metadata", "collapsed"],
    )
    names = ("grade", "solution", "points", "locked", "schema_version", "task", "cell_type", "checksum")
    graded = [["metadata", "nbgrader", name] for name in names]
    for place in whole:
        for wrong in rng.sample(WRONG, 2):
            yield place, wrong
    for place in any_cell:
        yield ["cells", at["answer"], *place], rng.choice(WRONG)
    for place in graded:
        for kind in ("answer", "test"):
            yield ["cells", at[kind], *place], rng.choice(WRONG)
    yield ["cells", at["test"], "source"], "raise SystemExit"
    yield ["cells", at["text"], "source"], "\0"


def shaken_trees(right, rng):
    """Notebooks to whose trees several things were done at random."""
    for _ in range(60):
        tree = deepcopy(right)
        for _ in range(rng.randint(1, 5)):
            inner = rng.choice(list(_containers(tree)))
            keys = list(inner) if isinstance(inner, dict) else range(len(inner))
            key = rng.choice(keys) if keys else None
            action = rng.choice(("put", "put", "drop", "wrap", "repeat", "shuffle"))
            if key is None:
                continue
            if action == "put":
                inner[key] = deepcopy(rng.choice(WRONG))
            elif action == "drop":
                del inner[key]
            elif action == "wrap":
                inner[key] = [inner[key]]
            elif isinstance(inner, list) and action == "repeat":
                inner.insert(rng.randrange(len(inner)), deepcopy(inner[key]))
            elif isinstance(inner, list):
                rng.shuffle(inner)
        yield tree


def _containers(tree):
    if isinstance(tree, dict | list) and tree:
        yield tree
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _containers(inner)


# Code -----------------------------------------------------------------------------------------------------------------


def with_cell(right, source):
    """The notebook with a cell before all others."""
    cell = {"cell_type": "code", "id": "mine", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return {**right, "cells": [cell, *right["cells"]]}


ODD_CODE = [
    "\0", "a = '\0'", "\ud800", "s = '\ud800'", "\x1a", "\x0c\n\x0b", "\ufeffx = 1", "\r\r\r",
    "if 1:\r\n\tx = 1\r\n        y = 2", "(" * 10_000, "-" * 50_000 + "1", "1" + "+1" * 20_000, "x = " + "9" * 5000,
    "f'" + "{" * 300, "'''", "\\", "#" * 190_000, "x = 1 #" + "é" * 150_000, "from __future__ import braces",
    "return 1", "yield 1", "await 1", "nonlocal a", "del add", "%", "%%", "%%bash\nexit 3",
    "%%writefile sums.ipynb\nx", "!exit 3", "%run nothing.py", "%reset -sf", "??", "print?", "%magic",
    "%%html\n<script>", "%matplotlib widget", "%config Application.verbose_crash = True", "%cd /",
    "%alias_magic t time", "%%time", "exit", "quit()", "import sys\nsys.exit(3)", "raise SystemExit(3)",
    "raise KeyboardInterrupt", "raise GeneratorExit", "raise BaseException", "input()", "breakpoint()",
    "def f():\n    f()\nf()", "import ctypes\nctypes.string_at(0)", "import os\nos.abort()", "class add:\n    pass",
    "assert False, '\x1b[2J' * 10_000", "print('\ud800')", "1 / 0",
    "raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})()", "import sys\nsys.stdout = None",
    "import json\njson = None",
]  # fmt: skip


# What lies in the folder ----------------------------------------------------------------------------------------------


def _device(path, minor):
    """/dev/null, or /dev/zero; a FIFO where that is not permitted."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    except PermissionError:
        os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        where = os.open(path.parent, os.O_RDONLY)
        with suppress(OSError):  # the address of a socket is short
            listener.bind(f"/proc/self/fd/{where}/{path.name}")
        os.close(where)


def _hard_link(path):
    _write(path.parent.parent / f"of-{path.parent.name}" / "other", b"{}")
    os.link(path.parent.parent / f"of-{path.parent.name}" / "other", path)


def _nest(folder, levels):
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)


def _sparse(path, size):
    _write(path, b"")
    os.truncate(path, size)


NO_FILES = {
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "link to a folder": lambda path: path.symlink_to("/etc"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "endless link": lambda path: path.symlink_to("/dev/zero"),
    "FIFO": lambda path: os.mkfifo(path),
    "socket": _socket,
    "null device": lambda path: _device(path, 3),
    "endless device": lambda path: _device(path, 5),
    "hard link": _hard_link,
}
SHADOWS = [
    "torch.py", "json.py", "os.py", "sys.py", "builtins.py", "IPython.py", "classroom.py", "numpy/__init__.py",
    "torch/nn.py", "json.pyc", "_socket.so", "random.cpython-311-x86_64-linux-gnu.so", "__main__.py",
    "sitecustomize.py", "usercustomize.py", "conftest.py", "mine.pth", ".ipython/profile_default/startup/00.py",
    ".jupyter/jupyter_config.py", ".config/matplotlib/x", ".matplotlib/matplotlibrc", "collections/abc.py",
    "encodings/utf_8.py", "site.py", "nbgrader/__init__.py",
]  # fmt: skip
UNFIT_NAMES = [
    b"new\nline",
    b"\xff\xfe",
    b"caf\xe9.txt",
    b"\x1b[2J",
    "gnp\u202ecod.exe".encode(),
    b"\x7f",
    "\ufeff".encode(),
]
ODD_NAMES = [
    "-rf", "--help", " ", "a b", "\u202f9.41\u202fAM.png", "\xa0", "n" * 255, "é" * 127, "😀", "*", "?", "%s%n",
    "{}", "$(reboot)", "`id`", "; id", "'", '"', "\\", "~", "...", "..a", ".hidden", "CON", "a:b", "a.ipynb",
    "Sums.ipynb", "sums.ipynb.bak", ".py", "..py", "-.py", "my helpers.py", "a.b.c.py", "data/train.csv",
    "1/2/3/4/5.txt", ".ipynb_checkpoints/sums-checkpoint.ipynb", "__pycache__/mine.cpython-311.pyc",
    "__MACOSX/._sums.ipynb", "Thumbs.db", ".git/config", "pyproject.toml", "setup.cfg",
]  # fmt: skip
TIMES = [
    b"", b"yesterday", b"2026-02-30 00:00:00 UTC", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00",
    b"\xff", b"\0", b"1" * 100_000, b"nan", b"2026-11-23 10:00:00 UTC UTC", b"2026-11-23T10:00:00+99:99",
    b"2026-11-23 10:00:00 UTC\nand more",
]  # fmt: skip


def bad_folders(notebook, good):
    """Functions that make what cannot be graded."""

    def beside(act):
        """The right notebook, and something beside it that must not be there."""

        def make(folder):
            _write(folder / notebook, good)
            act(folder)

        return make

    def instead(act):
        """Something in the notebook's place."""

        def make(folder):
            folder.mkdir(parents=True)
            act(folder / notebook)

        return make

    def in_place_of_the_folder(act):
        def make(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            act(folder)

        return make

    yield in_place_of_the_folder(lambda path: path.write_bytes(good))
    for name in ("link to a folder", "dangling link", "link to itself", "FIFO", "socket", "null device"):
        yield in_place_of_the_folder(NO_FILES[name])
    for act in NO_FILES.values():
        yield instead(act)
        yield beside(lambda folder, act=act: act(folder / "more"))
    yield instead(lambda path: path.mkdir())
    yield lambda folder: folder.mkdir(parents=True)
    for name in (notebook.upper(), f"{notebook}.txt", f"copy of {notebook}", f"a/{notebook}", f"{notebook}/{notebook}"):
        yield lambda folder, name=name: _write(folder / name, good)
    for name in SHADOWS:
        yield beside(lambda folder, name=name: _write(folder / name))
    for name in UNFIT_NAMES:
        yield beside(lambda folder, name=name: _write(folder / os.fsdecode(name)))
        yield beside(lambda folder, name=name: (folder / os.fsdecode(name)).mkdir())
    for levels in (15, 100, 400):
        yield beside(lambda folder, levels=levels: _nest(folder, levels))
    for number in (200, 300):
        yield beside(lambda folder, number=number: [_write(folder / f"{i}.txt") for i in range(number)])
    yield beside(lambda folder: _sparse(folder / "large.bin", 50_000_001))
    yield beside(lambda folder: [_sparse(folder / f"{i}.bin", 40_000_000) for i in range(3)])
    yield instead(lambda path: _sparse(path, 20_000_001))
    if os.geteuid():  # root can read everything
        yield beside(lambda folder: (_write(folder / "secret"), (folder / "secret").chmod(0)))
        yield instead(lambda path: (_write(path, good), path.chmod(0o200)))


def odd_folders(notebook, good):
    """Functions that make what is strange and can be graded."""

    def beside(name, content=b"x = 1\n"):
        def make(folder):
            _write(folder / notebook, good)
            _write(folder / name, content)

        return make

    for name in ODD_NAMES:
        yield beside(name)
    for content in TIMES:
        yield beside("timestamp.txt", content)
    yield beside("bom.ipynb", b"\xef\xbb\xbf")
    yield beside("sums", good)
    for mode in (0o777, 0o444, 0o4755):

        def make(folder, mode=mode):
            _write(folder / notebook, good)
            (folder / notebook).chmod(mode)

        yield make
    yield lambda folder: (_write(folder / notebook, good), [(folder / str(i)).mkdir() for i in range(300)])
    yield lambda folder: (_write(folder / notebook, good), [_write(folder / f"{i}.txt") for i in range(199)])


def hand_in(found, class_dir, assignment):
    """Write the submissions of some cases into a class folder."""
    for case in found:
        case.make(Path(class_dir) / "submitted" / case.name / assignment)
