"""What an inbox becomes: whose it is, when it was handed in, and what is refused."""

import io
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import time
import unicodedata
import zipfile
import zlib
from datetime import UTC, datetime

import pytest
from tiny_course import NAME, SLUG, make_course, write

from classroom.archive import Bounds
from classroom.collect import collect
from classroom.course import ClassroomError, Course
from classroom.roster import read_roster

NOTEBOOK = f"{NAME}.ipynb"
WHEN = (2026, 1, 30, 15, 30, 10)
SMALL = Bounds(
    file_bytes=100_000,
    submission_bytes=150_000,
    submission_files=20,
    total_bytes=2_000_000,
    total_files=500,
    free_bytes=20_000,
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return Course(make_course(tmp_path_factory.mktemp("course")))


@pytest.fixture
def take(course, tmp_path):
    """Collect an inbox into the class; returns {source: (learner, state, reason)}."""

    def call(inbox, roster=None, bounds=None):
        if isinstance(roster, str):
            roster = read_roster(write(tmp_path / "roster.csv", roster))
        rows = collect(course, SLUG, inbox, tmp_path / "class", roster, bounds)
        return {row["source"]: (row["learner"], row["state"], row["reason"]) for row in rows}

    return call


@pytest.fixture
def there(tmp_path):
    """{path: content} of what is in submitted/, without the time."""

    def call(folder="submitted"):
        root = tmp_path / "class" / folder
        files = (p for p in root.rglob("*") if p.is_file() and p.name != "timestamp.txt")
        return {p.relative_to(root).as_posix(): p.read_text() for p in files}

    return call


def member(name, when=WHEN, mode=None, flags=0):
    info = zipfile.ZipInfo(name, when)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.flag_bits |= flags
    if mode is not None:
        info.external_attr = mode << 16
    return info


def zipped(*files, when=WHEN):
    """The bytes of a zip archive of (name or ZipInfo, content)."""
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name if isinstance(name, zipfile.ZipInfo) else member(name, when), content)
        return out.getvalue()


def tarred(*members):
    """The bytes of a tar archive of (name or TarInfo, content)."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content in members:
                info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
                info.size, info.mtime = len(content), info.mtime or 1_769_787_010
                archive.addfile(info, io.BytesIO(content))
        return out.getvalue()


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def states(rows):
    return {source: state for source, (_, state, _) in rows.items()}


# Whose it is


def test_the_forms_an_inbox_may_have(take, there, tmp_path):
    inbox = tmp_path / "inbox"
    put(inbox / "abel" / NOTEBOOK, b"a")
    put(inbox / "abel" / "data" / "metrics.json", b"{}")
    put(inbox / "abel" / ".ipynb_checkpoints" / NOTEBOOK, b"old")
    put(inbox / "berta" / "my homework" / NOTEBOOK, b"b")
    put(inbox / "cleo.zip", zipped(("hw/", b""), (f"hw/{NOTEBOOK}", b"c"), ("__MACOSX/hw/._x", b"junk")))
    put(inbox / "dora" / "homework.ZIP", zipped((NOTEBOOK, b"d")))
    put(inbox / "emil.ipynb", b"e")
    put(inbox / ".DS_Store", b"junk")
    rows = take(inbox)
    assert states(rows) == dict.fromkeys(["abel", "berta", "cleo.zip", "dora", "emil.ipynb"], "new")
    assert rows["emil.ipynb"] == ("emil", "new", f"emil.ipynb is taken for {NOTEBOOK}")
    expected = {f"{name}/{SLUG}/{NOTEBOOK}": name[0] for name in ("abel", "berta", "cleo", "dora", "emil")}
    assert there() == {**expected, f"abel/{SLUG}/data/metrics.json": "{}"}


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "tar.xz"])
def test_archives_of_a_class(take, there, tmp_path, suffix):
    inbox = tmp_path / f"class.{suffix}"
    if suffix == "zip":
        put(inbox, zipped((f"abel/{NOTEBOOK}", b"a"), ("berta.zip", zipped((NOTEBOOK, b"b"))), ("cleo.ipynb", b"c")))
    else:
        plain = tarred((f"./abel/{NOTEBOOK}", b"a"), ("berta.zip", zipped((NOTEBOOK, b"b"))), ("cleo.ipynb", b"c"))
        pack = {"tar": lambda data: data, "tar.gz": _gzip, "tar.xz": _xz}[suffix]
        put(inbox, pack(plain))
    assert states(take(inbox)) == {"abel": "new", "berta.zip": "new", "cleo.ipynb": "new"}
    assert there() == {f"{name}/{SLUG}/{NOTEBOOK}": name[0] for name in ("abel", "berta", "cleo")}


def test_a_folder_around_all_learners_is_taken_off_when_the_roster_says_that_it_is_nobody(take, there, tmp_path):
    inbox = put(
        tmp_path / "class.zip", zipped(("all/", b""), (f"all/abel/{NOTEBOOK}", b"a"), ("all/berta.ipynb", b"b"))
    )
    assert states(take(inbox, "id\nabel\nberta\n")) == {"abel": "new", "berta.ipynb": "new"}
    assert sorted(there()) == [f"abel/{SLUG}/{NOTEBOOK}", f"berta/{SLUG}/{NOTEBOOK}"]
    assert states(take(inbox, "id\nabel\nall\n")) == {"all": "new"}


def _gzip(data):
    import gzip

    return gzip.compress(data)


def _xz(data):
    import lzma

    return lzma.compress(data)


def test_the_download_of_moodle(take, there, tmp_path):
    worksheet = (
        "\ufeffIdentifier,Full name,ID number,Email address,Status,Grade,Last modified (submission)\n"
        'Participant 101,Jané Doe,s1,jane@example.org,Submitted,-,"Friday, 30 January 2026, 3:30 PM"\n'
        "Participant 102,Max Roe,s2,max@example.org,Submitted,-,-\n"
        "Participant 103,Max Roe,s3,roe@example.org,No submission,-,-\n"
    )
    inbox = put(
        tmp_path / "moodle.zip",
        zipped(
            (f"Jané Doe_101_assignsubmission_file_/{NOTEBOOK}", b"j"),
            ("Jané Doe_101_assignsubmission_onlinetext_/onlinetext.html", b"hello"),
            ("Max Roe_102_assignsubmission_file/hw.zip", zipped((NOTEBOOK, b"m"))),
            (f"Eve Poe_999_assignsubmission_file_/{NOTEBOOK}", b"e"),
        ),
    )
    rows = take(inbox, worksheet)
    assert rows == {
        "Jané Doe_101_assignsubmission_file_": ("s1", "new", ""),
        "Max Roe_102_assignsubmission_file": ("s2", "new", ""),
        "Eve Poe_999_assignsubmission_file_": ("", "quarantined", "'Eve Poe' is not in the roster"),
    }
    assert there() == {f"s1/{SLUG}/{NOTEBOOK}": "j", f"s2/{SLUG}/{NOTEBOOK}": "m"}
    told = (tmp_path / "class" / "submitted" / "s1" / SLUG / "timestamp.txt").read_text()
    assert told == datetime(2026, 1, 30, 15, 30).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC\n")
    flat = put(tmp_path / "flat.zip", zipped((f"Max Roe_102_assignsubmission_file_{NOTEBOOK}", b"m")))
    assert states(take(flat, worksheet)) == {f"Max Roe_102_assignsubmission_file_{NOTEBOOK}": "unchanged"}


def test_the_download_of_canvas(take, there, course, tmp_path):
    gradebook = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Sums (77)\n"
        "    Points Possible,,,,,10\n"
        '"Doe, Jane",11,u1,jdoe,A,\n'
        '"Doe, Jane",12,u2,jdoe2,A,\n'
        '"Roe, Max",13,u3,max@example.org,B,\n'
    )
    inbox = tmp_path / "submissions"
    put(inbox / f"doejane_12_501_{NAME}-1.ipynb", b"j")
    put(inbox / "doejane_12_502_metrics.json", b"{}")
    put(inbox / f"roemax_LATE_13_503_{NOTEBOOK}", b"m")
    rows = take(inbox, gradebook)
    assert rows == {
        f"doejane_12_501_{NAME}-1.ipynb": ("jdoe2", "new", f"{NAME}-1.ipynb is taken for {NOTEBOOK}"),
        f"roemax_LATE_13_503_{NOTEBOOK}": ("max_example.org", "new", ""),
    }
    assert there() == {
        f"jdoe2/{SLUG}/{NOTEBOOK}": "j",
        f"jdoe2/{SLUG}/metrics.json": "{}",
        f"max_example.org/{SLUG}/{NOTEBOOK}": "m",
    }
    late = collect(course, SLUG, inbox, tmp_path / "class", read_roster(tmp_path / "roster.csv"))
    assert [row["late"] for row in late] == [False, True]


def test_names_are_matched_as_people_write_them(take, tmp_path):
    inbox = tmp_path / "inbox"
    for name in ("Doe, Jane", "roemax", "A.POE@example.org", "s4", "nobody", "Twin"):
        put(inbox / name / NOTEBOOK, b"x")
    rows = take(
        inbox,
        "ID;First name;Surname;Email address\n"
        "s1;Jane;Doe;\ns2;Max;Roe;\ns3;Ann;Poe;a.poe@example.org\ns4;;;\nt1;Twin;;\nt2;Twin;;\n",
    )
    assert {source: row[0] for source, row in rows.items()} == {
        "Doe, Jane": "s1",
        "roemax": "s2",
        "A.POE@example.org": "s3",
        "s4": "s4",
        "nobody": "",
        "Twin": "",
    }
    assert rows["nobody"][2] == "'nobody' is not in the roster"
    assert rows["Twin"][2] == "'Twin' may be t1 or t2 of the roster: name them apart, by their id"


def test_a_learner_cannot_pass_for_another(take, there, tmp_path):
    """A file's own name is the learner's to choose; so, on some platforms, is the name that is shown."""
    inbox = tmp_path / "inbox"
    put(inbox / "eve_66_501_max_13_502_sums.ipynb", b"e")
    put(inbox / "eve_66_503_Max Roe_13_assignsubmission_file_x.ipynb", b"e")
    put(inbox / "eve_66_504_..", b"e")
    rows = take(inbox, "id,name,canvas_id\nmax,Max Roe,13\neve,Eve,66\n")
    assert {row[0] for row in rows.values()} == {"eve"}
    assert {path.split("/")[0] for path in there()} == {"eve"}
    assert not (tmp_path / "class" / "submitted" / "eve" / "sums.ipynb").exists()

    shutil.rmtree(inbox)
    put(inbox / "max_67_505_sums.ipynb", b"e")
    rows = take(inbox, "id,name,canvas_id\nmax,Max Roe,13\n")
    assert rows["max_67_505_sums.ipynb"][1:] == (
        "quarantined",
        "'max' is called like max of the roster but has another canvas_id",
    )
    put(inbox / "max_13_506_sums.ipynb", b"m")
    rows = take(inbox, "id,name\nmax,Max Roe\n")
    assert {row[1:] for row in rows.values()} == {
        ("quarantined", "two people are called so (numbers 13, 67): tell them apart in the roster")
    }


def test_names_that_cannot_be_folders_need_a_roster(take, tmp_path):
    inbox = tmp_path / "inbox"
    for name in ("Jane Doe", "Max", "max"):
        put(inbox / name / NOTEBOOK, b"x")
    rows = take(inbox)
    assert rows["Jane Doe"][2] == "'Jane Doe' cannot be a learner's id: say who it is with --roster"
    assert rows["max"][2] == "Max and max differ in case only: name the learners with --roster"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a roster"),
        ("name,section\nJane,A\n", "is not a roster"),
        ("id\n", "names nobody"),
        ("id\n../..\n", "line 2: '../..' cannot be an id"),
        ("id\nA\nb\na\n", "lines 2 and 4 have the same id, a"),
        ('id\n"a\n', "is not CSV"),
    ],
)
def test_a_roster_that_cannot_be_used(tmp_path, text, words):
    if "not CSV" in words:
        text += "x" * 200_000
    with pytest.raises(ClassroomError, match=r"roster\.csv") as caught:
        read_roster(write(tmp_path / "roster.csv", text))
    assert words in str(caught.value)


def test_a_roster_as_excel_writes_it(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes("ID\tName\nä1\tÄnne\n".encode("utf-16"))
    assert [(p.learner, p.id, p.name) for p in read_roster(path).people] == [("a1", "ä1", "Änne")]
    path.write_bytes("id;name\r\nb2;Änne\r\n".encode("cp1252"))
    assert read_roster(path).people[0].name == "Änne"


# When, again, and instead


def test_collecting_again_changes_nothing(take, tmp_path):
    inbox = put(
        tmp_path / "class.zip",
        zipped((f"abel/{NOTEBOOK}", b"a"), ("berta.zip", b"no zip"), ("timestamp.txt", b"x")),
    )
    take(inbox)
    before = _snapshot(tmp_path / "class")
    assert states(take(inbox)) == {"abel": "unchanged", "berta.zip": "quarantined", "timestamp.txt": "quarantined"}
    assert _snapshot(tmp_path / "class") == before


def _snapshot(folder):
    return {
        str(p.relative_to(folder)): (
            os.lstat(p).st_mtime_ns,
            p.read_bytes() if p.is_file() else None,
            os.lstat(p).st_ino,
        )
        for p in folder.rglob("*")
    }


def test_a_changed_hand_in_replaces_the_older_one_which_is_kept(take, there, tmp_path):
    inbox = tmp_path / "class.zip"
    for hour, content in ((9, b"first"), (11, b"third"), (10, b"second")):
        put(inbox, zipped((f"abel/{NOTEBOOK}", content), when=(2026, 1, 30, hour, 0, 0)))
        rows = take(inbox)
    assert rows == {"abel": ("abel", "older than what is there", "")}
    assert list(there().values()) == ["third"]
    ((path, content),) = there("submitted_before").items()
    nine = datetime(2026, 1, 30, 9).astimezone(UTC)
    assert (path, content) == (f"abel/{SLUG}/{nine:%Y%m%dT%H%M%SZ}/{NOTEBOOK}", "first")
    put(inbox, zipped((f"abel/{NOTEBOOK}", b"third"), when=(2026, 1, 30, 12, 0, 0)))
    assert states(take(inbox)) == {"abel": "unchanged"}, "the same again is no later hand-in"
    assert "11:00" in _local_time(tmp_path)


@pytest.mark.parametrize("text", ["2001-09-09 01:46:40.0 Etc/GMT+2", "soon"])
def test_a_time_that_somebody_else_wrote(take, tmp_path, text):
    put(tmp_path / "class" / "submitted" / "abel" / SLUG / NOTEBOOK, b"x")
    write(tmp_path / "class" / "submitted" / "abel" / SLUG / "timestamp.txt", text)
    put(tmp_path / "inbox" / "abel" / NOTEBOOK, b"y")
    os.utime(tmp_path / "inbox" / "abel" / NOTEBOOK, (1e9 + 3600, 1e9 + 3600))
    state = "older than what is there" if text != "soon" else "replaced"
    assert states(take(tmp_path / "inbox")) == {"abel": state}


def _local_time(tmp_path):
    text = (tmp_path / "class" / "submitted" / "abel" / SLUG / "timestamp.txt").read_text().strip()
    when = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def test_nothing_is_lost_where_folders_cannot_be_swapped_in_one_step(take, there, tmp_path, monkeypatch):
    monkeypatch.setattr("classroom.collect._exchange", lambda one, other: False)
    for number in range(3):
        put(tmp_path / "inbox" / "abel" / NOTEBOOK, str(number).encode())
        os.utime(tmp_path / "inbox" / "abel" / NOTEBOOK, (1e9, 1e9))
        take(tmp_path / "inbox")
    assert list(there().values()) == ["2"]
    stem = f"abel/{SLUG}/20010909T014640Z"
    assert there("submitted_before") == {f"{stem}/{NOTEBOOK}": "0", f"{stem}-2/{NOTEBOOK}": "1"}


def test_of_several_hand_ins_the_latest_counts(take, there, tmp_path):
    inbox = tmp_path / "inbox"
    put(inbox / "abel" / NOTEBOOK, b"folder")
    put(inbox / "abel.ipynb", b"file")
    put(inbox / "abel.zip", b"broken")
    for number, name in enumerate((f"abel/{NOTEBOOK}", "abel.ipynb", "abel.zip")):
        os.utime(inbox / name, (1e9 + number, 1e9 + number))
    rows = take(inbox)
    assert {source: row[1] for source, row in rows.items()} == {
        "abel": "superseded",
        "abel.ipynb": "new",
        "abel.zip": "quarantined",
    }
    assert rows["abel"][2] == "abel.ipynb counts"
    assert list(there().values()) == ["file"]


def test_the_time_comes_from_outside_and_in_nbgraders_form(take, tmp_path):
    """A learner's own timestamp.txt, and the times inside a learner's zip, say nothing."""
    from nbgrader.utils import parse_utc

    faked = zipped(
        (f"hw/{NOTEBOOK}", b"x"), ("hw/Timestamp.TXT", b"1999-01-01 00:00:00 UTC"), when=(1999, 1, 1, 0, 0, 0)
    )
    take(put(tmp_path / "class.zip", zipped(("abel.zip", faked))))
    folder = tmp_path / "class" / "submitted" / "abel" / SLUG
    assert sorted(p.name for p in folder.iterdir()) == [NOTEBOOK, "timestamp.txt"]
    told = parse_utc((folder / "timestamp.txt").read_text().strip())
    assert told == datetime(*WHEN).astimezone(UTC).replace(tzinfo=None)


def test_the_time_of_a_folder_is_that_of_its_latest_file(take, tmp_path):
    for number, name in enumerate((NOTEBOOK, "metrics.json", f".ipynb_checkpoints/{NOTEBOOK}", ".DS_Store")):
        put(tmp_path / "inbox" / "abel" / name, b"x")
        os.utime(tmp_path / "inbox" / "abel" / name, (1e9 + number, 1e9 + number))
    take(tmp_path / "inbox")
    told = (tmp_path / "class" / "submitted" / "abel" / SLUG / "timestamp.txt").read_text()
    assert told == "2001-09-09 01:46:41.000000 UTC\n"


def test_exact_and_impossible_times(take, tmp_path):
    exact = member(f"abel/{NOTEBOOK}")
    exact.extra = struct.pack("<HHBL", 0x5455, 5, 1, 1_000_000_000)
    never = member(f"berta/{NOTEBOOK}", (1980, 1, 1, 0, 0, 0))
    data = zipped((exact, b"x"), (never, b"y"), (member(f"cleo/{NOTEBOOK}"), b"z"))
    data = patched(data, CENTRAL, 12, b"\xff\xff\xff\xff")  # the 31st of a 15th month
    take(put(tmp_path / "class.zip", data))
    folder = tmp_path / "class" / "submitted"
    assert (folder / "abel" / SLUG / "timestamp.txt").read_text() == "2001-09-09 01:46:40.000000 UTC\n"
    assert not (folder / "berta" / SLUG / "timestamp.txt").exists()
    assert not (folder / "cleo" / SLUG / "timestamp.txt").exists()


def test_the_time_of_a_download_is_nobodys_hand_in(take, tmp_path):
    """Canvas and most versions of Moodle stamp what they pack with the time at which they pack it."""

    def stamped(minutes):
        names = [f"p{n}_{n}_50{n}_{NOTEBOOK}" for n in range(3)]
        return zipped(*((member(name, (2026, 2, 1, 12 + n * minutes // 60, n * minutes % 60, 0)), b"x")
                        for n, name in enumerate(names)))  # fmt: skip

    take(put(tmp_path / "class.zip", stamped(1)))
    stamps = list((tmp_path / "class").rglob("timestamp.txt"))
    assert stamps == []
    take(put(tmp_path / "class.zip", stamped(90)))
    assert len(list((tmp_path / "class").rglob("timestamp.txt"))) == 3


def test_a_collect_that_was_killed_leaves_nothing_behind(take, course, tmp_path):
    put(tmp_path / "inbox" / "abel" / NOTEBOOK, b"x")
    code = (
        "import os, sys\nfrom classroom import collect\nfrom classroom.course import Course\n"
        "from pathlib import Path\ncollect.write_text = lambda *a: os.kill(os.getpid(), 9)\n"
        "collect.collect(Course(Path(sys.argv[1])), *sys.argv[2:])"
    )
    arguments = [str(course.root), SLUG, str(tmp_path / "inbox"), str(tmp_path / "class")]
    killed = subprocess.run([sys.executable, "-c", code, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list((tmp_path / "class").glob(".collecting-*"))
    assert states(take(tmp_path / "inbox")) == {"abel": "new"}
    assert {p.name for p in (tmp_path / "class").iterdir()} == {"submitted"}


def test_two_collects_do_not_meet(take, tmp_path):
    import fcntl

    put(tmp_path / "inbox" / "abel" / NOTEBOOK, b"x")
    (tmp_path / "class" / "submitted").mkdir(parents=True)
    handle = os.open(tmp_path / "class" / "submitted", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(ClassroomError, match="wait for it to end"):
        take(tmp_path / "inbox")
    os.close(handle)


def test_what_is_fine_now_leaves_quarantine(take, tmp_path):
    inbox = tmp_path / "inbox"
    put(inbox / "abel.zip", b"PK no")
    put(inbox / "Bad \x1b[31m name" / NOTEBOOK, b"x")
    take(inbox)
    reasons = {p.parent.name: json.loads(p.read_text()) for p in (tmp_path / "class" / "quarantine").rglob("*.json")}
    assert len(reasons) == 2
    assert reasons[f"{SLUG}-abel.zip"]["source"] == "inbox/abel.zip"
    assert reasons[f"{SLUG}-abel.zip"]["reason"].startswith("it is not a whole zip archive (File is not a zip file)")
    assert all(name.isascii() and " " not in name and "\x1b" not in str(told) for name, told in reasons.items())
    put(inbox / "abel.zip", zipped((NOTEBOOK, b"x")))
    take(inbox)
    assert f"{SLUG}-abel.zip" not in os.listdir(tmp_path / "class" / "quarantine")


# What is refused

HOSTILE = [
    ("has a path that leaves its folder", [("../../evil.txt", b"x")]),
    ("has an absolute path", [("/etc/cron.d/evil", b"x")]),
    ("has an absolute path", [("C:/evil.txt", b"x")]),
    ("has a backslash in its name", [("..\\evil.txt", b"x")]),
    ("has a control character in its name", [("a\x1b[31m.ipynb", b"x")]),
    ("has a control character in its name", [("sums.ipynb\u202egpj", b"x")]),
    ("has a path of more than 8 folders", [("d/" * 9 + "x", b"x")]),
    ("has too long a name", [("x" * 241, b"x")]),
    ("is there twice", [("A.ipynb", b"x"), ("a.ipynb", b"y")]),
    ("is there twice", [(unicodedata.normalize("NFC", "é.txt"), b"x"), (unicodedata.normalize("NFD", "é.txt"), b"y")]),
    ("lies in what is a file", [("data", b"x"), ("data/x", b"y")]),
    ("is a symbolic link", [(member("link", mode=stat.S_IFLNK | 0o777), b"/etc/passwd")]),
    ("is a FIFO", [(member("pipe", mode=stat.S_IFIFO | 0o644), b"")]),
    ("is a device", [(member("disk", mode=stat.S_IFBLK | 0o644), b"")]),
    ("is an archive in an archive", [("more.zip", zipped(("x", b"x")))]),
    ("is an archive in an archive", [("more.tar.gz", b"x")]),
    ("it holds more than 1,000 files", [(str(n), b"") for n in range(1_001)]),
    ("there is nothing in it", [("empty/", b"")]),
    ("there is nothing in it", []),
]


def refused(rows, there):
    """The reason why abel's was refused, when berta's was not."""
    assert there() == {f"berta/{SLUG}/{NOTEBOOK}": "fine"}
    ((_, state, reason),) = [row for row in rows.values() if row[0] != "berta"]
    assert state == "quarantined"
    return reason


@pytest.mark.parametrize(("words", "files"), HOSTILE)
def test_hostile_names_in_a_learners_zip(take, there, tmp_path, words, files):
    put(tmp_path / "inbox" / "abel.zip", zipped(*files))
    put(tmp_path / "inbox" / "berta" / NOTEBOOK, b"fine")
    assert words in refused(take(tmp_path / "inbox"), there)
    assert not list(tmp_path.rglob("evil*"))
    assert sorted(p.name for p in (tmp_path / "class").iterdir()) == ["quarantine", "submitted"]


@pytest.mark.parametrize(("words", "files"), HOSTILE[:11])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_hostile_names_in_the_archive_of_a_class(take, there, tmp_path, pack, words, files):
    put(
        tmp_path / "class.x",
        pack(*((f"abel/{name}", content) for name, content in files), (f"berta/{NOTEBOOK}", b"fine")),
    )
    if "absolute" in words:
        assert take(tmp_path / "class.x")["abel"][1] == "new", "abel/C:/x and abel//etc/x are not absolute"
    else:
        assert words in refused(take(tmp_path / "class.x"), there)
    assert {p.name for p in tmp_path.rglob("evil*")} <= {"evil", "evil.txt"}
    assert all((tmp_path / "class" / "submitted" / "abel") in p.parents for p in tmp_path.rglob("evil*"))


@pytest.mark.parametrize("name", ["/abel/x", "../abel/x", "C:/abel", "..", "abel\\x", "\x1b[2Jabel"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_hostile_names_above_all_learners(take, there, tmp_path, pack, name):
    rows = take(put(tmp_path / "class.x", pack((name, b"x"), (f"berta/{NOTEBOOK}", b"fine"))))
    assert f"{name[:2]}".strip("\x1b") in str(rows)
    refused(rows, there)
    assert all(source.isprintable() for source in rows)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "is a symbolic link"),
        (tarfile.LNKTYPE, "is a hard link"),
        (tarfile.FIFOTYPE, "is a FIFO"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.BLKTYPE, "is a device"),
        (tarfile.GNUTYPE_SPARSE, "is a sparse file"),
        (b"Z", "is of an unknown kind"),
    ],
)
def test_members_of_a_tar_that_are_no_files(take, there, tmp_path, kind, words):
    odd = tarfile.TarInfo("abel/odd")
    odd.type, odd.linkname = kind, "../../../etc/passwd"
    put(tmp_path / "class.tar", tarred((odd, b""), (f"berta/{NOTEBOOK}", b"fine")))
    assert words in refused(take(tmp_path / "class.tar"), there)


def test_what_is_no_file_in_a_folder(take, there, tmp_path):
    inbox = tmp_path / "inbox"
    put(inbox / "berta" / NOTEBOOK, b"fine")
    secret = put(tmp_path / "secret.ipynb", b"secret")

    def reason():
        return refused(take(inbox), there)

    (inbox / "abel").mkdir()
    for words, make in {
        "is a symbolic link": lambda path: path.symlink_to(secret),
        "is a hard link": lambda path: path.hardlink_to(secret),
        "is a FIFO": os.mkfifo,
    }.items():
        make(inbox / "abel" / NOTEBOOK)
        assert words in reason()
        (inbox / "abel" / NOTEBOOK).unlink()
    (inbox / "abel").rmdir()
    (inbox / "abel").symlink_to(tmp_path)
    assert "is a symbolic link" in reason()


def test_archives_beside_other_files_are_not_opened(take, there, tmp_path):
    put(tmp_path / "inbox" / "abel" / "a.zip", zipped((NOTEBOOK, b"x")))
    put(tmp_path / "inbox" / "abel" / "b.txt", b"x")
    put(tmp_path / "inbox" / "berta" / NOTEBOOK, b"fine")
    assert refused(take(tmp_path / "inbox"), there).startswith("'a.zip' is an archive: hand in the files")
    (tmp_path / "inbox" / "abel" / "a.zip").rename(tmp_path / "inbox" / "abel" / "a.tar.gz")
    (tmp_path / "inbox" / "abel" / "b.txt").unlink()
    assert refused(take(tmp_path / "inbox"), there).startswith("'a.tar.gz' is an archive: hand in the files")


# Bombs, and archives that lie


def patched(data, mark, offset, value):
    """An archive with bytes written at an offset from the last occurrence of a mark."""
    data = bytearray(data)
    at = data.rindex(mark) + offset
    data[at : at + len(value)] = value
    return bytes(data)


CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def zeros(number, name=NOTEBOOK):
    return zipped((name, bytes(number)))


def quoted_overlap(copies, size):
    """A bomb whose entries all point at one packed file."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(bytes(size)) + packed.flush()
    numbers = (20, 0, 8, 0, 33, zlib.crc32(bytes(size)), len(body), size, 1, 0)
    local = struct.pack("<4s5H3L2H", LOCAL, *numbers) + b"a" + body
    entry = struct.pack("<4s6H3L5H2L", CENTRAL, 20, *numbers, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, copies, copies, copies * len(entry), len(local), 0)
    return local + entry * copies + end


BOMBS = {
    "zeros": (zeros(40_000_000), "unpacks to more than 200 times its size"),
    "too large": (zeros(300_000_000), "is larger than 50 MB"),
    "many": (zipped(*((str(n), bytes(1_000_000)) for n in range(900))), "unpacks to more than 200 times its size"),
    "overlap": (quoted_overlap(900, 10_000_000), "its entries overlap"),
    "100,000 entries": (zipped(*((str(n), b"") for n in range(100_000))), "it holds more than 1,000 files"),
    "says it is small": (patched(zeros(100_000_000), CENTRAL, 24, struct.pack("<L", 10)), "is damaged: Bad CRC-32"),
    "says it is packed large": (patched(zeros(10**8), CENTRAL, 20, struct.pack("<L", 2**31)), "its entries overlap"),
    "in an archive": (zipped(("more.zip", zeros(10**8))), "is an archive in an archive"),
    "encrypted": (patched(zeros(10), CENTRAL, 8, b"\x01\x00"), "is encrypted"),
    "another method": (patched(zeros(10), CENTRAL, 10, b"\x0c\x00"), "is compressed in a way"),
    "another name inside": (patched(zeros(10), LOCAL, 30, b"SUMS"), "is damaged: File name in directory"),
    "cut short": (zeros(10**6)[:-30], "it is not a whole zip archive"),
    "no archive": (b"%PDF-1.7", "it is not a whole zip archive"),
    "empty file": (b"", "it is not a whole zip archive"),
    "spoilt": (patched(zeros(10**6), LOCAL, 60, b"\xff" * 20), "is damaged"),
    "starts nowhere": (patched(zeros(10), CENTRAL, 42, b"\xff\xff\xff\x7f"), "its entries overlap"),
    "directory nowhere": (patched(zeros(10), b"PK\x05\x06", 12, b"\xff\xff\xff\x7f"), "it is not a whole zip archive"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(take, there, tmp_path, monkeypatch, name):
    content, words = BOMBS[name]
    put(tmp_path / "inbox" / "abel.zip", content)
    put(tmp_path / "inbox" / "berta" / NOTEBOOK, b"fine")
    written = _count_writes(monkeypatch)
    started = time.process_time()
    assert words in refused(take(tmp_path / "inbox"), there)
    assert time.process_time() - started < 1.5
    assert sum(written) < 18_000_000 + 2 * len(content)


def _count_writes(monkeypatch):
    from classroom.archive import Meter

    written, copy = [], Meter.copy

    def counting(self, stream, target, entry):
        try:
            return copy(self, stream, target, entry)
        finally:
            written.append(target.stat().st_size if target.exists() else 0)

    monkeypatch.setattr(Meter, "copy", counting)
    return written


def test_the_limits_of_a_submission(take, there, tmp_path):
    put(tmp_path / "inbox" / "berta" / NOTEBOOK, b"fine")
    noise = os.urandom(100_001)
    put(tmp_path / "inbox" / "abel" / NOTEBOOK, noise)
    assert "is larger than 0 MB" in refused(take(tmp_path / "inbox", bounds=SMALL), there)
    for name in ("a", "b"):
        put(tmp_path / "inbox" / "abel" / name, noise[:80_000])
    (tmp_path / "inbox" / "abel" / NOTEBOOK).unlink()
    assert "it is larger than 0 MB in all" in refused(take(tmp_path / "inbox", bounds=SMALL), there)
    shutil.rmtree(tmp_path / "inbox" / "abel")
    for number in range(21):
        put(tmp_path / "inbox" / "abel" / str(number), b"x")
    assert "it holds more than 20 files" in refused(take(tmp_path / "inbox", bounds=SMALL), there)


def stops(take, inbox, code, *words, bounds=None):
    started = time.process_time()
    with pytest.raises(ClassroomError) as caught:
        take(inbox, bounds=bounds)
    assert time.process_time() - started < 1.5
    assert caught.value.exit_code == code, caught.value
    assert all(word in str(caught.value) for word in words), caught.value
    assert not list((inbox.parent / "class").glob("submitted/*/*"))


def test_an_inbox_that_is_a_bomb(take, tmp_path):
    for n in range(30):
        put(tmp_path / "many" / f"l{n}" / NOTEBOOK, os.urandom(80_000))
    with pytest.raises(ClassroomError, match="the inbox holds more than 2 MB"):
        take(tmp_path / "many", bounds=SMALL)
    shutil.rmtree(tmp_path / "class")
    stops(take, put(tmp_path / "a.zip", zipped(*((f"l{n}/x", b"") for n in range(501)))), 3, "500 files", bounds=SMALL)
    stops(take, put(tmp_path / "b.tar", tarred(*((f"l{n}/x", b"") for n in range(501)))), 3, "500 files", bounds=SMALL)
    stops(take, put(tmp_path / "c.zip", BOMBS["100,000 entries"][0]), 3, "more than 50,000 files")
    stops(take, put(tmp_path / "d.zip", quoted_overlap(900, 10**7)), 3, "overlap")
    for number, pack in enumerate((_gzip, _xz)):
        bomb = pack(tarred((f"abel/{NOTEBOOK}", bytes(100_000_000))))
        stops(take, put(tmp_path / f"bomb{number}", bomb), 3, "unpacks to more than 200 times its size: it is a bomb")
        assert not list((tmp_path / "class").rglob("*.tar"))


def test_an_inbox_that_is_none(take, tmp_path, course):
    whole = tarred((f"abel/{NOTEBOOK}", os.urandom(50_000)))
    stops(take, tmp_path / "absent", 2, "there is no inbox")
    stops(take, put(tmp_path / "a.pdf", b"%PDF-1.7" + bytes(600)), 2, "a.pdf is neither a zip nor a whole tar archive")
    stops(take, put(tmp_path / "empty", b""), 2, "empty is neither a zip nor a whole tar archive")
    stops(take, put(tmp_path / "a.tar", whole[:20_000]), 2, "a.tar is neither a zip nor a whole tar archive")
    stops(take, put(tmp_path / "b.tar", patched(whole, b"ustar", -257 + 124, b"77777777777")), 2, "b.tar")
    stops(take, put(tmp_path / "a.tar.gz", _gzip(whole)[:-2000]), 2, "a.tar.gz is damaged or cut short")
    stops(take, put(tmp_path / "a.tar.xz", _xz(whole)[:-2000]), 2, "a.tar.xz is damaged or cut short")
    stops(take, put(tmp_path / "a.zip", zeros(10**6)[:-30]), 2, "it is not a whole zip archive")
    with pytest.raises(ClassroomError, match="lies in the inbox: keep them apart"):
        collect(course, SLUG, tmp_path, tmp_path / "class")


def header(name, kind, size):
    """A tar header that may lie about the size of what follows."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, 0
    block = bytearray(info.tobuf())
    block[124:136] = (b"\x80" if size >= 0 else b"\xff") + (size % 2**88).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    "content",
    [
        header("x", tarfile.GNUTYPE_LONGNAME, 2**33) + bytes(10_000_000),
        header("x", tarfile.XHDTYPE, 10**6) + b"1" * 10**6,
        (header("x", tarfile.GNUTYPE_LONGNAME, 1) + b"y" + bytes(511)) * 5_000,
        header("abel/x", tarfile.REGTYPE, 2**60) + bytes(10_000),
        header("abel/x", tarfile.REGTYPE, 0) * 2 + header("abel/y", tarfile.REGTYPE, -1024),
    ],
    ids=["long name", "long extension", "chain of names", "goes far", "goes in circles"],
)
def test_tar_headers_that_lie(take, tmp_path, content):
    stops(take, put(tmp_path / "class.tar", content + bytes(1024)), 2, "is neither a zip nor a whole tar archive")
