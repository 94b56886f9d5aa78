"""What a run of attacks leaves behind: who was reached, what leaked, what changed, what still runs.

Nothing here asks a grader how it went; everything is looked at from outside.
"""

import ctypes
import hashlib
import json
import os
import re
import socket
import sqlite3
import stat
import threading
import time
from contextlib import ExitStack, closing, suppress
from html.parser import HTMLParser
from pathlib import Path

import psutil

SUBREAPER = 36  # prctl: orphans among the descendants become children of this process
PUBLIC_PLACES = ("/tmp", "/var/tmp", "/dev/shm")
VOID = {"base", "embed", "link", "meta"}  # elements that hold nothing
ACTIVE = VOID | {"script", "style", "iframe", "frame", "object", "applet", "form", "svg", "math"}
LOADING = {"src", "srcset", "href", "data", "action", "formaction", "poster", "background", "xlink:href", "srcdoc"}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LARGE_RECORD = 20_000_000  # bytes that one submission may leave in the class folder


class Listeners:
    """Sockets outside that nobody should reach: TCP, UDP, a UNIX socket in a file and an abstract one."""

    def __init__(self, folder):
        self.heard, self.stack = [], ExitStack()
        self.unix, self.abstract = str(folder / "door.sock"), f"range-{os.getpid()}-{id(self):x}"
        tcp = socket.create_server(("127.0.0.1", 0))
        self.tcp = tcp.getsockname()[1]
        streams = [tcp]
        with suppress(OSError):
            streams.append(socket.create_server(("::1", self.tcp), family=socket.AF_INET6))
        for address in (self.unix, f"\0{self.abstract}"):
            door = socket.socket(socket.AF_UNIX)
            door.bind(address)
            door.listen(16)
            streams.append(door)
        with suppress(OSError, AttributeError):
            door = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
            door.bind((socket.VMADDR_CID_ANY, self.tcp))
            door.listen(16)
            streams.append(door)
        os.chmod(self.unix, 0o777)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.udp = udp.getsockname()[1]
        for door in [*streams, udp]:
            self.stack.callback(door.close)
            threading.Thread(target=self._listen, args=(door, door is not udp), daemon=True).start()

    def _listen(self, door, stream):
        while True:
            try:
                if stream:
                    with closing(door.accept()[0]) as connection:
                        connection.settimeout(1)
                        said = b""
                        with suppress(OSError):
                            said = connection.recv(1000)
                else:
                    said = door.recv(1000)
            except OSError:
                return
            self.heard.append(said.decode("latin-1"))

    def places(self):
        return {"tcp": self.tcp, "udp": self.udp, "unix": self.unix, "abstract": self.abstract}

    def close(self):
        self.stack.close()


def below(top):
    """The entries at any depth below a folder, however deep that is."""
    waiting = [top]
    while waiting:
        with suppress(OSError):
            for entry in os.scandir(waiting.pop()):
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def fingerprint(*folders):
    """{path: what it is and holds} of everything below some folders."""
    found = {}
    for path in [str(folder) for folder in folders] + [e.path for folder in folders for e in below(folder)]:
        with suppress(OSError):
            about = os.lstat(path)
            found[path] = oct(about.st_mode)
            if stat.S_ISREG(about.st_mode):
                found[path] += hashlib.sha256(Path(path).read_bytes()).hexdigest()
            elif stat.S_ISLNK(about.st_mode):
                found[path] += os.readlink(path)
    return found


def changes(before, after):
    """One sentence for each path that differs; what Python compiles does not count."""
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return [f"{path} was changed, made or removed" for path in paths if "__pycache__" not in path]


def markers(folders, deep=()):
    """{name: where} of the files named marker-of-... that lie in some folders, or anywhere below others."""
    found = {}
    for folder in folders:
        found |= {name: folder for name in os.listdir(folder) if name.startswith("marker-of-")}
    for top in deep:
        found |= {e.name: os.path.dirname(e.path) for e in below(top) if e.name.startswith("marker-of-")}
    return found


def grade_rows(database):
    """{learner: [(cell, automatic score, score by hand)]} of a gradebook; empty if it cannot be read."""
    query = """select s.student_id, c.name, g.auto_score, g.manual_score from grade g
               join base_cell c on c.id = g.cell_id join submitted_notebook n on n.id = g.notebook_id
               join submitted_assignment s on s.id = n.assignment_id order by s.student_id, c.name"""
    rows = {}
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        for learner, *row in connection.execute(query):
            rows.setdefault(learner, []).append(tuple(row))
    return rows


def shown(notebook):
    """What a learner may see of an executed notebook: all but the text of its tests. Takes and gives JSON text."""
    try:
        content = json.loads(notebook)
        for cell in content["cells"]:
            grading = cell["metadata"].get("nbgrader", {})
            if grading.get("grade") and not grading.get("solution"):
                cell["source"] = ""
        return json.dumps(content, ensure_ascii=False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return notebook


def outputs(notebook):
    """All outputs of an executed notebook as one text."""
    try:
        cells = json.loads(notebook)["cells"]
        return json.dumps([cell.get("outputs", []) for cell in cells], ensure_ascii=False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return notebook


def texts_below(folder, limit=200_000_000):
    """{path: text} of the files below a folder, as far as they are text of a sensible size."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < limit:
            found[str(path.relative_to(folder))] = path.read_bytes().decode("utf-8", "replace")
    return found


def size_below(folder):
    return sum(os.lstat(p).st_size for p in Path(folder).rglob("*") if p.is_file() and not p.is_symlink())


class _Active(HTMLParser):
    """Looks for a word where a browser would run, load or style something."""

    def __init__(self, word):
        super().__init__()
        self.word, self.inside, self.found = word, [], []

    def handle_starttag(self, tag, attributes):
        if tag in ACTIVE:
            self.inside += [tag] if tag not in VOID else []
            if any(self.word in (value or "") for _, value in attributes):
                self.found.append(f"a <{tag}>")
        for name, value in attributes:
            value = value or ""
            plain = re.sub(r"[\s\x00-\x1f]", "", value).lower()
            runs = name.startswith("on") or plain.startswith(("javascript:", "vbscript:", "data:text/html"))
            loads = name in LOADING and tag != "a" and not plain.startswith(("data:image/", "#"))
            if self.word in value and (runs or loads or (name == "style" and "url(" in plain)):
                self.found.append(f"the attribute {name} of a <{tag}>")

    def handle_endtag(self, tag):
        if tag in self.inside:
            del self.inside[self.inside.index(tag) :]

    def handle_data(self, data):
        if self.word in data and self.inside:
            self.found.append(f"a <{self.inside[-1]}>")


def active_content(page, word):
    """Where a page would run or load something that holds this word; empty if nowhere."""
    parser = _Active(word)
    parser.feed(page)
    parser.close()
    return sorted(set(parser.found))


def evidence(attack, seen, said, pages, secrets, words=()):
    """[[kind, sentence]]: what an attack achieved, by the texts that it left behind.

    Args:
        attack: the Attack.
        seen: texts that its learner may see.
        said: texts that hold its outputs and messages, but not its code.
        pages: HTML pages about it.
        secrets: {name: a text that nobody may see}.
        words: messages about it that are shown on terminals.
    """
    found = []
    for page in pages:
        for place in active_content(page, f"inject-{attack.id}"):
            found.append(["harm", f"a feedback page runs or loads what the learner wrote, in {place}"])
    for name, secret in secrets.items():
        if any(secret in text for text in seen):
            found.append(["leak", f"the secret '{name}' is in what the learner is shown"])
    for text in said:
        if attack.proof in text:
            at = text.index(attack.proof)
            found.append(["harm", f"it got where no submission should: {text[at : at + 120]!r}"])
            break
    if any(CONTROL.search(word) for word in words):
        found.append(["harm", "control characters in the messages about it"])
    return found


def adopt_orphans():
    """From now on, whatever a child leaves running becomes a child of this process."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def left_running(patience=3.0):
    """Kills and names the processes below this one that are still there after some seconds of patience."""
    end = time.monotonic() + patience
    while True:
        _reap()
        left = [p for p in psutil.Process().children(recursive=True) if _alive(p)]
        if not left or time.monotonic() > end:
            break
        time.sleep(0.05)
    names = []
    for process in left:
        with suppress(psutil.Error):
            names.append(" ".join(process.cmdline())[:200] or process.name())
            process.kill()
    return names


def _reap():
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _alive(process):
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
