"""An inbox of what was handed in -> submitted/LEARNER/ASSIGNMENT/, one learner at a time.

The inbox is a folder or an archive in one of these forms: a folder a learner, a zip a learner, a notebook a learner
(LEARNER.ipynb), or the bulk download of Moodle or Canvas. Whose something is follows from the name that the
instructor or the learning platform gave it, never from anything inside. A hand-in that can't be taken goes to
quarantine/ with a reason, and the others go on.
"""

import ctypes
import fcntl
import filecmp
import hashlib
import os
import re
import shutil
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from classroom.archive import Bounds, Meter, Refused, ZipSource, open_inbox, parts_of, same_file, shown
from classroom.course import SIMPLE_NAME, ClassroomError, notebooks_in
from classroom.files import read_json, scratch, sync_directory, write_json, write_text

NEW, REPLACED, UNCHANGED = "new", "replaced", "unchanged"
OLDER, SUPERSEDED, QUARANTINED = "older than what is there", "superseded", "quarantined"
TIMESTAMP, FORMAT = "timestamp.txt", "%Y-%m-%d %H:%M:%S.%f UTC\n"  # nbgrader's
JUNK = {"__macosx", "__pycache__", ".ipynb_checkpoints", ".ds_store", "thumbs.db", "desktop.ini", ".git"}
ARCHIVES = re.compile(r".*\.(zip|tar|tgz|txz|tbz2?|tar\.\w+|7z|rar)", re.IGNORECASE)
# Moodle: "Jane Doe_123_assignsubmission_file_", a folder or the start of a file's name.
# Canvas: "doejane_LATE_12_34_a.ipynb". What comes first counts: the rest is the learner's own.
PLATFORM = re.compile(
    r"(?P<name>.+?)(?P<late>_LATE)?_(?P<number>\d+)_(?:assignsubmission_(?P<kind>[a-z]+)_?|(?P<file>\d+)_)(?P<rest>.*)",
    re.DOTALL,
)
DOWNLOAD_SECONDS = 3600  # Canvas, and most versions of Moodle, stamp what they pack with the time of the download


@dataclass
class Item:
    """What one name of the inbox stands for."""

    source: str  # as in the inbox
    name: str  # of the learner, as called there
    lms: str = ""
    number: str = ""
    late: bool = False
    files: dict = field(default_factory=dict)  # {parts of the path inside: Entry}
    keys: set = field(default_factory=set)
    time: float | None = None
    problem: str = ""

    def add(self, entry, parts):
        """Take a file in; raises Refused if it may not be in a submission."""
        if entry.kind == "folder" or is_junk(parts):
            return
        if entry.kind != "file":
            raise Refused(f"'{shown(entry.name)}' is {entry.kind}")
        key = same_file(parts)
        if key in self.keys:
            raise Refused(f"'{shown('/'.join(parts))}' is there twice, or differs from another name in case only")
        self.keys.add(key)
        self.files[parts] = entry
        self.time = max(filter(None, (self.time, entry.time)), default=None)

    def check(self):
        if self.problem:
            raise Refused(self.problem)
        if not self.files:
            raise Refused("there is nothing in it")
        for key in self.keys:
            if any(key[:n] in self.keys for n in range(1, len(key))):
                raise Refused(f"'{shown('/'.join(key))}' lies in what is a file, too")


def collect(course, assignment, inbox, class_dir, roster=None, bounds=None, tell=lambda done, total, text: None):
    """Put every hand-in of an inbox in its place in the class folder.

    Args:
        course, assignment: whose notebooks are expected.
        inbox: folder, .zip, .tar, .tar.gz or .tar.xz.
        class_dir: made if there is none.
        roster: Roster to find learners in; without it, the names in the inbox are the learners.
        bounds: limits.
        tell: called with (done, total, text) after each item.

    Returns:
        One row an item of the inbox: source, learner, state, reason, files, bytes, handed_in, late.
    """
    (assignment,) = course.choose([assignment])
    bounds, inbox, class_dir = bounds or Bounds(), Path(inbox).resolve(), Path(class_dir).resolve()
    if class_dir == inbox or inbox in class_dir.parents:
        raise ClassroomError(f"the class folder {class_dir} lies in the inbox: keep them apart")
    if not inbox.exists():
        raise ClassroomError(f"there is no inbox {inbox}")
    expected = [path.name for path in notebooks_in(course.source / assignment)]
    (class_dir / "submitted").mkdir(parents=True, exist_ok=True)
    with (
        _alone(class_dir),
        scratch(".collecting-", class_dir) as workplace,
        open_inbox(inbox, workplace, bounds) as source,
    ):
        meter = Meter(bounds)
        items = plan(source.entries(), bounds, meter, roster)
        rows, claims = _identify(items, roster)
        _set_times(claims, roster)
        desk = _Desk(class_dir, assignment, expected, source, bounds, meter, workplace)
        for learner in sorted(claims):
            taken = ""
            # Of several the latest that can be read counts.
            for item in sorted(claims[learner], key=lambda item: (item.time or 0, item.source), reverse=True):
                if taken:
                    row = _row(item, learner, SUPERSEDED, f"{taken} counts")
                else:
                    row = desk.take(item, learner)
                    taken = row["source"] if row["state"] != QUARANTINED else ""
                rows.append(row)
                tell(len(rows), len(items), f"{row['source']}: {row['state']}")
        _quarantine(class_dir, assignment, inbox, rows)
    return sorted(rows, key=lambda row: (row["learner"], row["source"]))


def absent(class_dir, assignment, roster):
    """Who of the roster has handed in nothing."""
    folder = Path(class_dir) / "submitted"
    return [p.learner for p in roster.people if not (folder / p.learner / assignment).exists()]


def show(rows, nothing_from, console):
    """Print what came of an inbox."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.ROUNDED if console.is_terminal else box.ASCII)
    for name in ("learner", "from", "state", "files", "handed in", "note"):
        table.add_column(name, justify="right" if name == "files" else "left", overflow="fold")
    for row in rows:
        note = "; ".join(filter(None, ("marked late by the platform" if row["late"] else "", row["reason"])))
        cells = [row["learner"] or "?", row["source"], row["state"], str(row["files"] or ""), row["handed_in"]]
        table.add_row(*cells, note, style="bold red" if row["state"] == QUARANTINED else None)
    console.print(table)
    states = Counter(row["state"] for row in rows)
    console.print(", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "the inbox is empty")
    timeless = sum(row["state"] in (NEW, REPLACED, UNCHANGED) and not row["handed_in"] for row in rows)
    if timeless:
        console.print(f"{timeless} without a time of hand-in: these cannot be late")
    if nothing_from:
        console.print(f"nothing from {len(nothing_from)}: {', '.join(nothing_from)}")


def plan(entries, bounds, meter, roster=None):
    """The items of an inbox, in its order, from its names alone."""
    paths = []
    for entry in entries:
        meter.count()
        try:
            parts, problem = parts_of(entry.name, bounds), ""
        except Refused as error:
            parts, problem = tuple(part for part in entry.name.split("/") if part) or (entry.name,), str(error)
        if not is_junk(parts[:1]) and (problem or not parts[0].startswith(".")):
            paths.append((entry, parts, problem))
    if _is_wrapped(paths, roster):
        paths = [(entry, parts[1:], problem) for entry, parts, problem in paths if parts[1:]]
    items = {}
    for entry, parts, problem in paths:
        loose = len(parts) == 1 and entry.kind != "folder"
        item, inner = _item_of(items, parts, loose)
        if item is None:
            continue
        try:
            if problem:
                raise Refused(problem)
            if len(item.files) >= bounds.submission_files:
                raise Refused(f"it holds more than {bounds.submission_files:,} files")
            item.add(entry, inner)
            if loose and not item.lms and not parts[0].lower().endswith((".ipynb", ".zip")):
                raise Refused("it is neither a folder nor a zip nor a notebook")
        except Refused as error:
            item.problem = item.problem or str(error)
    return list(items.values())


def _is_wrapped(paths, roster):
    """Whether all lies in one folder that, as the roster says, is nobody's."""
    tops = {parts[0] for _, parts, _ in paths}
    if roster is None or len(tops) != 1 or PLATFORM.fullmatch(*tops) or all(len(parts) == 1 for _, parts, _ in paths):
        return False
    try:
        roster.find(*tops)
    except Refused:
        return True
    return False


def _item_of(items, parts, loose):
    """The item that a path belongs to, and its path therein; None for what is no hand-in of files.

    Args:
        items: those that there are, a new one is put in.
        parts: the path.
        loose: whether it is a file that lies in the inbox itself.
    """
    top = parts[0]
    match = PLATFORM.fullmatch(top)
    if match and not loose and (match["file"] or match["rest"]):
        match = None
    if not match:
        item = items.setdefault(top, Item(top, Path(top).stem if loose else top))
        return item, parts if loose else parts[1:]
    if match["kind"] not in (None, "file"):
        return None, ()  # a text that was typed into Moodle
    lms = "canvas" if match["file"] else "moodle"
    item = items.setdefault((lms, match["number"]), Item(top, match["name"], lms, match["number"]))
    item.late = item.late or bool(match["late"])
    own = match["rest"] if match["rest"].strip(".") else top  # ".." is a learner's idea of a name, too
    return item, (own,) if loose else parts[1:]


def is_junk(parts):
    return any(part.casefold() in JUNK or part.startswith("._") for part in parts)


def _identify(items, roster):
    """(rows of what is nobody's, {learner: items that are theirs})."""
    rows, claims = [], defaultdict(list)
    for item in items:
        try:
            if roster is not None:
                learner = roster.find(item.name, item.lms, item.number).learner
            elif SIMPLE_NAME.fullmatch(item.name):
                learner = item.name
            else:
                raise Refused(f"'{shown(item.name)}' cannot be a learner's id: say who it is with --roster")
            claims[learner].append(item)
        except Refused as error:
            rows.append(_row(item, "", QUARANTINED, item.problem or str(error)))
    spelt = defaultdict(list)
    for learner in claims:
        spelt[learner.casefold()].append(learner)
    for learner in list(claims):
        numbers = sorted({item.number for item in claims[learner] if item.number})
        reason = ""
        if len(numbers) > 1:
            reason = f"two people are called so (numbers {', '.join(numbers)}): tell them apart in the roster"
        elif len(spelt[learner.casefold()]) > 1:
            reason = f"{' and '.join(spelt[learner.casefold()])} differ in case only: name the learners with --roster"
        if reason:
            rows += [_row(item, "", QUARANTINED, reason) for item in claims.pop(learner)]
    return rows, claims


def _set_times(claims, roster):
    """Replace the times of files by better ones: the roster's, or none where they can only be the download's."""
    told = {person.learner: person.handed_in for person in roster.people} if roster else {}
    packed = [item for items in claims.values() for item in items if item.lms]
    times = [item.time for item in packed if item.time]
    if times and max(times) - min(times) < DOWNLOAD_SECONDS:
        for item in packed:
            item.time = None
    for learner, items in claims.items():
        for item in items if told.get(learner) else []:
            item.time = _parse(told[learner]) or item.time


def _parse(text):
    from dateutil import parser

    try:
        return parser.parse(text).timestamp()  # in this computer's time zone if it names none
    except (ValueError, OverflowError):
        return None


@dataclass
class _Desk:
    """Where submissions are unpacked, looked at and put in their place."""

    class_dir: Path
    assignment: str
    expected: list
    source: object
    bounds: Bounds
    meter: Meter
    workplace: Path

    def take(self, item, learner):
        """Put an item in its learner's place; returns its row."""
        with scratch("item-", self.workplace) as folder:
            try:
                item.check()
                files = self._read(item, folder)
            except Refused as error:
                return _row(item, learner, QUARANTINED, str(error))
            files, note = arrange(files, self.expected)
            size = sum(path.stat().st_size for path in files.values())
            state, time = self._place(learner, files, item.time, folder)
            return _row(item, learner, state, note, len(files), size, time)

    def _read(self, item, folder):
        """{parts: file in `folder`}, out of the zip if that is all that was handed in."""
        files = _copy(self.source, item.files, Meter(self.bounds, self.meter), folder, "a")
        archives = [parts for parts in files if ARCHIVES.fullmatch(parts[-1])]
        if not archives:
            return files
        if len(files) > 1 or not archives[0][-1].lower().endswith(".zip"):
            raise Refused(
                f"'{shown('/'.join(archives[0]))}' is an archive: hand in the files, or all of them in one zip"
            )
        with ZipSource(files[archives[0]], self.bounds.submission_files) as source:
            inner, meter = Item(item.source, item.name), Meter(self.bounds, self.meter)
            for entry in source.entries():
                meter.count()
                parts = parts_of(entry.name, self.bounds)
                if ARCHIVES.fullmatch(parts[-1]) and not is_junk(parts):
                    raise Refused(f"'{shown(entry.name)}' is an archive in an archive")
                inner.add(entry, parts)
            inner.check()
            return _copy(source, inner.files, meter, folder, "b")

    def _place(self, learner, files, time, folder):
        """(state, time of hand-in) after the files are at submitted/LEARNER/ASSIGNMENT."""
        target = self.class_dir / "submitted" / learner / self.assignment
        before = _read_time(target)
        if target.exists():
            if _same(target, files):
                time = min(filter(None, (before, time)), default=None)  # the same again is no later hand-in
                if time != before:
                    write_text(target / TIMESTAMP, _text(time))
                return UNCHANGED, time
            elif before and time and time < before:
                return OLDER, time
        ready = folder / "ready"
        ready.mkdir()
        for parts, path in files.items():
            (ready / Path(*parts)).parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, ready / Path(*parts))
        if time:
            write_text(ready / TIMESTAMP, _text(time))
        for path in [*ready.rglob("*"), ready]:
            sync_directory(path)  # and files
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            os.rename(ready, target)
            state = NEW
        else:
            self._swap(ready, target, learner, before)
            state = REPLACED
        sync_directory(target.parent)
        return state, time

    def _swap(self, ready, target, learner, before):
        """Put `ready` in the place of `target`, which goes to submitted_before/, in one step where the system can."""
        stem = datetime.fromtimestamp(before, UTC).strftime("%Y%m%dT%H%M%SZ") if before else "undated"
        attic = self.class_dir / "submitted_before" / learner / self.assignment
        attic.mkdir(parents=True, exist_ok=True)
        names = (stem if n == 1 else f"{stem}-{n}" for n in range(1, 10**6))
        kept = next(attic / name for name in names if not (attic / name).exists())
        os.rename(ready, kept)
        if not _exchange(kept, target):
            os.rename(kept, ready)
            os.rename(target, kept)
            os.rename(ready, target)
        sync_directory(attic)


def _copy(source, files, meter, folder, prefix):
    copies = {}
    for number, (parts, entry) in enumerate(files.items()):
        copies[parts] = folder / f"{prefix}{number}"
        with source.open(entry) as stream:
            meter.copy(stream, copies[parts], entry)
    return copies


def arrange(files, expected):
    """({parts: file} as grading wants it, a note on what was changed).

    Folders that hold everything are taken off. A notebook whose name differs from the expected one by a number, as
    browsers and learning platforms add them, or that is the only one, gets that name. A timestamp.txt is dropped.
    """
    while files and len({parts[0] for parts in files}) == 1 and all(len(parts) > 1 for parts in files):
        files = {parts[1:]: path for parts, path in files.items()}
    files = {parts: path for parts, path in files.items() if same_file(parts) != (TIMESTAMP,)}
    notes = []
    missing = [name for name in expected if (name,) not in files]
    for name in missing:
        others = [p for p in files if len(p) == 1 and p[0].endswith(".ipynb") and p[0] not in expected]
        alike = [p for p in others if _plain(p[0]) == _plain(name)] or (others if len(missing) == 1 else [])
        if len(alike) == 1:
            files[(name,)] = files.pop(alike[0])
            notes.append(f"{shown(alike[0][0])} is taken for {name}")
    if not any((name,) in files for name in expected):
        notes.append(f"{' or '.join(expected)} is missing")
    return files, "; ".join(notes)


def _plain(name):
    return re.sub(r"[ _-]*\(?\d+\)?$", "", Path(name).stem).casefold()


def _same(folder, files):
    """Whether a submission in its place holds just these files."""
    there = {p.relative_to(folder).parts: p for p in folder.rglob("*") if p.is_file()}
    there.pop((TIMESTAMP,), None)
    return there.keys() == files.keys() and all(filecmp.cmp(there[p], files[p], shallow=False) for p in files)


def _text(time):
    return datetime.fromtimestamp(time, UTC).strftime(FORMAT)


def _read_time(folder):
    try:
        text = (folder / TIMESTAMP).read_text()
    except OSError:
        return None
    with suppress(ValueError):
        return datetime.strptime(text, FORMAT).replace(tzinfo=UTC).timestamp()
    from nbgrader.utils import parse_utc  # seconds; only for what somebody else has put there

    try:
        return parse_utc(text.strip()).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _row(item, learner, state, reason="", files=0, size=0, time=None):
    return {
        "source": shown(item.source),
        "learner": learner,
        "state": state,
        "reason": reason,
        "files": files,
        "bytes": size,
        "handed_in": datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds") if time else "",
        "late": item.late,
    }


def _quarantine(class_dir, assignment, inbox, rows):
    """A reason.json for what was refused, none for what is fine now."""
    for row in rows:
        safe = re.sub(r"[^A-Za-z0-9_.-]", "_", row["source"])[:60]
        mark = "" if safe == row["source"] else "-" + hashlib.sha256(row["source"].encode()).hexdigest()[:8]
        path = class_dir / "quarantine" / f"{assignment}-{safe}{mark}" / "reason.json"
        told = {"source": f"{inbox.name}/{row['source']}", "reason": row["reason"]}
        if row["state"] != QUARANTINED:
            shutil.rmtree(path.parent, ignore_errors=True)
        elif read_json(path) != told:
            write_json(path, told)


@contextmanager
def _alone(class_dir):
    """Keep a second collect out, and clear up after one that was killed."""
    handle = os.open(class_dir / "submitted", os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClassroomError(f"something else is being collected into {class_dir}: wait for it to end") from error
        for left in class_dir.glob(".collecting-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _exchange(one, other):
    """Swap two paths in one step; False where the system cannot."""
    try:
        swap = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return swap(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
