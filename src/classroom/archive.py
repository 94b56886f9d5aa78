"""Reading what strangers packed: folders, zip and tar archives, entry by entry.

Nothing is believed of what an archive says about itself: sizes, counts and ratios are counted while reading, names
are checked before they become paths, and only plain files and folders are read. What is wrong with one submission
raises Refused; what is wrong with the whole inbox raises ClassroomError.
"""

import gzip
import lzma
import mmap
import os
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from classroom.course import ClassroomError

CHUNK = 64 * 1024
HEADER_BYTES = 16 * 1024  # of one tar member: its name and extensions
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,  # NotImplementedError, RecursionError, and zipfile's own
)


class Refused(Exception):
    """Why a submission is not taken: a sentence that its learner can read."""


class Damaged(Refused):
    """It cannot be read."""


@dataclass(frozen=True)
class Bounds:
    """The most that is read; bytes are counted unpacked."""

    file_bytes: int = 50_000_000
    submission_bytes: int = 200_000_000
    submission_files: int = 1_000
    total_bytes: int = 10_000_000_000
    total_files: int = 50_000
    ratio: int = 200  # unpacked to packed ...
    free_bytes: int = 16_000_000  # ... of whatever is larger than this
    depth: int = 8
    path_length: int = 240


@dataclass(frozen=True)
class Entry:
    """One name in a folder or an archive."""

    name: str
    kind: str  # "file", "folder", or what else it is, as in "X is a symbolic link"
    time: float | None  # seconds since 1970
    packed: int  # bytes that it takes in the archive
    size: int  # unpacked, as the archive claims: may convict it, never acquits it
    where: object  # for the source that made it


def parts_of(name, bounds):
    """The parts of a relative path; raises Refused unless it stays inside and is the same path on every system."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    problems = {
        "a path that leaves its folder": ".." in parts,
        "an absolute path": name.startswith("/") or re.match(r"[A-Za-z]:", name),
        "a backslash in its name": "\\" in name,
        "a control character in its name": any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name),
        "no name": not parts,
        f"a path of more than {bounds.depth} folders": len(parts) > bounds.depth + 1,
        "too long a name": len(name.encode(errors="surrogatepass")) > bounds.path_length,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise Refused(f"'{shown(name)}' has {problem}")
    return tuple(parts)


def same_file(parts):
    """What two paths have in common that are one file on a system that ignores case or Unicode's forms."""
    return tuple(unicodedata.normalize("NFKC", part).casefold() for part in parts)


def shown(name, limit=100):
    """A name that a stranger chose, fit for a terminal."""
    text = "".join(c if c.isprintable() else "?" for c in str(name))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


class Meter:
    """Counts what is read of a submission, and through it what is read in all."""

    def __init__(self, bounds, inbox=None):
        self.bounds, self.inbox = bounds, inbox
        self.bytes = self.packed = self.files = 0

    def copy(self, stream, target, entry):
        """Write a file's content to the new file `target`, as far as the limits allow."""
        bounds, size = self.bounds, 0
        self.packed += entry.packed
        self._check(entry, entry.size, self.bytes + entry.size)
        with open(target, "xb") as out:
            while True:
                try:
                    chunk = stream.read(CHUNK)
                except DAMAGED as error:
                    raise Damaged(f"'{shown(entry.name)}' is damaged: {shown(error)}") from error
                if not chunk:
                    break
                size += len(chunk)
                self.bytes += len(chunk)
                self.inbox.bytes += len(chunk)
                self._check(entry, size, self.bytes)
                if self.inbox.bytes > bounds.total_bytes:
                    raise too_much(f"more than {megabytes(bounds.total_bytes)}")
                out.write(chunk)

    def _check(self, entry, size, in_all):
        if size > self.bounds.file_bytes:
            raise Refused(f"'{shown(entry.name)}' is larger than {megabytes(self.bounds.file_bytes)}")
        if in_all > self.bounds.submission_bytes:
            raise Refused(f"it is larger than {megabytes(self.bounds.submission_bytes)} in all")
        if is_bomb(in_all, self.packed, self.bounds):
            raise Refused(f"'{shown(entry.name)}' unpacks to more than {self.bounds.ratio} times its size")

    def count(self):
        """One more entry."""
        self.files += 1
        if self.inbox is None:
            if self.files > self.bounds.total_files:
                raise too_much(f"more than {self.bounds.total_files:,} files")
        elif self.files > self.bounds.submission_files:
            raise Refused(f"it holds more than {self.bounds.submission_files:,} files")


def is_bomb(unpacked, packed, bounds):
    return unpacked > bounds.free_bytes and unpacked > bounds.ratio * packed


def megabytes(number):
    return f"{number / 1e6:,.0f} MB"


def too_much(what):
    return ClassroomError(f"the inbox holds {what}: collect it in parts, or have a look at what is in it", 3)


@contextmanager
def open_inbox(path, workplace, bounds):
    """A source for a folder or an archive: `entries()` in order, `open(entry)` to read one.

    Args:
        path: the folder or archive.
        workplace: folder for the unpacked form of a compressed tar.
        bounds: limits.
    """
    if path.is_dir():
        yield FolderSource(path, bounds)
        return
    if not path.is_file():
        raise ClassroomError(f"{path} is neither a folder nor a file")
    with open(path, "rb") as file:
        magic = file.read(512)
    try:
        if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            source = ZipSource(path, bounds.total_files)
        else:
            tar = path
            for mark, opener in ((b"\x1f\x8b", gzip.open), (b"\xfd7zXZ\x00", lzma.open)):
                if magic.startswith(mark):
                    tar = workplace / "unpacked.tar"
                    _unpack(path, tar, opener, bounds)
            source = TarSource(tar, path)
    except Refused as error:
        raise ClassroomError(f"{path} is not collected: {error}", 2 if isinstance(error, Damaged) else 3) from error
    with source:
        yield source


class FolderSource:
    """A folder and what lies in it, links not followed."""

    def __init__(self, root, bounds):
        self.root, self.bounds = root, bounds

    def entries(self, folder="", depth=0):
        try:
            items = sorted(os.scandir(self.root / folder), key=lambda item: item.name)
        except OSError as error:
            if not folder:
                raise
            yield Entry(folder, f"not readable ({error.strerror})", None, 0, 0, folder)
            return
        for item in items:
            name, status = f"{folder}{item.name}", item.stat(follow_symlinks=False)
            kind = _kind(status.st_mode)
            if kind == "file" and status.st_nlink > 1:
                kind = "a hard link"
            yield Entry(name, kind, status.st_mtime, status.st_size, status.st_size, name)
            if kind == "folder" and depth <= self.bounds.depth:  # one deeper than allowed, which is refused there
                yield from self.entries(f"{name}/", depth + 1)

    @contextmanager
    def open(self, entry):
        try:
            handle = os.open(self.root / entry.where, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise Refused(f"'{shown(entry.name)}' is not readable ({error.strerror})") from error
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Refused(f"'{shown(entry.name)}' is not a plain file any more")
            yield file


class ZipSource:
    """A zip archive. Its directory is bounded before it is parsed, and no two entries may share bytes."""

    def __init__(self, path, most):
        self.file = open(path, "rb")  # noqa: SIM115  (closed by __exit__)
        try:
            if _occurrences(self.file, b"PK\x01\x02", 10 * most) > 10 * most:  # tenfold: archives in it are counted too
                raise Refused(f"it holds more than {most:,} files")
            try:
                self.zip = zipfile.ZipFile(self.file)
                self.list = self.zip.infolist()
            except (*DAMAGED, OSError) as error:
                raise Damaged(f"it is not a whole zip archive ({shown(error)}): make it again") from error
            if len(self.list) > most:
                raise Refused(f"it holds more than {most:,} files")
            ends = sorted((i.header_offset, i.header_offset + 30 + i.compress_size) for i in self.list)
            for (_, end), (start, _) in pairwise([(0, 0), *ends, (self.zip.start_dir, 0)]):
                if end > start:
                    raise Refused("its entries overlap, as only a zip bomb's do")
        except BaseException:
            self.file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.zip.close()
        self.file.close()

    def entries(self):
        for info in self.list:
            name = info.orig_filename  # zipfile cuts names at a null byte
            if not info.flag_bits & 0x800:
                with suppress(UnicodeError):  # a program that wrote UTF-8 without saying so
                    name = name.encode("cp437").decode()
            mode = info.external_attr >> 16
            kind = _kind(mode) if stat.S_IFMT(mode) else "file"
            if kind in ("file", "folder"):
                kind = "folder" if name.endswith("/") else "file"
            if kind == "file" and info.flag_bits & 0x2041:
                kind = "encrypted"
            if kind == "file" and info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                kind = "compressed in a way that only some programs can read"
            yield Entry(name, kind, _zip_time(info), info.compress_size, info.file_size, info)

    @contextmanager
    def open(self, entry):
        try:
            stream = self.zip.open(entry.where)
        except DAMAGED as error:
            raise Damaged(f"'{shown(entry.name)}' is damaged: {shown(error)}") from error
        with stream:
            yield stream


class TarSource:
    """A tar archive that is not compressed."""

    def __init__(self, path, origin):
        self.origin = origin
        self.file = open(path, "rb")  # noqa: SIM115  (closed by __exit__)
        self.size = os.fstat(self.file.fileno()).st_size

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def entries(self):
        headers = _Headers(self.file)
        try:
            archive = tarfile.TarFile(fileobj=headers)
            while (member := archive.next()) is not None:
                headers.left = HEADER_BYTES
                archive.members.clear()
                if member.size < 0:
                    raise tarfile.ReadError("a size is negative")
                yield self._entry(member)
        except DAMAGED as error:
            raise ClassroomError(
                f"{self.origin} is neither a zip nor a whole tar archive ({shown(error)}): download or make it again"
            ) from error

    def _entry(self, member):
        kinds = {
            tarfile.SYMTYPE: "a symbolic link",
            tarfile.LNKTYPE: "a hard link",
            tarfile.FIFOTYPE: "a FIFO",
            tarfile.CHRTYPE: "a device",
            tarfile.BLKTYPE: "a device",
            tarfile.DIRTYPE: "folder",
            tarfile.REGTYPE: "file",
            tarfile.AREGTYPE: "file",
        }
        kind = "a sparse file" if member.issparse() else kinds.get(member.type, "of an unknown kind")
        if kind == "file" and member.size > self.size - member.offset_data:
            kind = "cut short"
        time = float(member.mtime)
        return Entry(member.name, kind, time if 0 < time < 2**33 else None, member.size, member.size, member)

    @contextmanager
    def open(self, entry):
        yield _Slice(self.file, entry.where.offset_data, entry.where.size)


class _Headers:
    """What tarfile reads headers through: a file with a limit on the bytes a member's header may take."""

    def __init__(self, file):
        self.file, self.left = file, HEADER_BYTES
        self.size = os.fstat(file.fileno()).st_size
        self.tell, self.name, self.mode = file.tell, file.name, "rb"

    def seek(self, position):
        if not 0 <= position <= self.size:
            raise tarfile.ReadError("it ends before its last file does")
        self.file.seek(position)

    def read(self, size):
        self.left -= size
        if self.left < 0 or size < 0:
            raise tarfile.ReadError("a header is too long")
        return self.file.read(size)


class _Slice:
    """A stretch of a file, as a stream."""

    def __init__(self, file, start, size):
        self.file, self.at, self.left = file, start, size

    def read(self, size):
        self.file.seek(self.at)
        data = self.file.read(min(size, self.left))
        if not data and self.left:
            raise EOFError("the archive ends inside it")
        self.at += len(data)
        self.left -= len(data)
        return data


def _unpack(path, target, opener, bounds):
    """Write what a compressed file holds to `target`."""
    unpacked = 0
    with open(path, "rb") as packed, opener(packed) as stream, open(target, "xb") as out:
        while chunk := _read(stream, path):
            unpacked += len(chunk)
            if unpacked > bounds.total_bytes:
                raise too_much(f"more than {megabytes(bounds.total_bytes)}")
            if is_bomb(unpacked, packed.tell(), bounds):
                raise ClassroomError(f"{path} unpacks to more than {bounds.ratio} times its size: it is a bomb", 3)
            out.write(chunk)


def _read(stream, path):
    try:
        return stream.read(CHUNK)
    except (*DAMAGED, gzip.BadGzipFile, MemoryError) as error:
        raise ClassroomError(f"{path} is damaged or cut short ({shown(error)}): download or make it again") from error


def _kind(mode):
    kinds = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "folder",
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "of an unknown kind")


def _occurrences(file, mark, most):
    """How often a mark is in a file; counts no further than one more than `most`."""
    if not os.fstat(file.fileno()).st_size:
        return 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found, at = 0, content.find(mark)
        while at >= 0 and found <= most:
            found, at = found + 1, content.find(mark, at + len(mark))
    return found


def _zip_time(info):
    """When a member was changed: from the Unix extension, which is exact, or else in this computer's time zone."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return float(struct.unpack("<L", extra[5:9])[0]) or None
        extra = extra[4 + size :]
    try:
        return datetime(*info.date_time).timestamp() if info.date_time > (1980, 1, 1, 0, 0, 0) else None
    except ValueError:
        return None
