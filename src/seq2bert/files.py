"""Files that are whole or absent, and the one kind of error that a sentence explains."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


class CourseError(Exception):
    """Something a user can mend. The message says what is wrong, where, and what to do."""


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, force it to disk, then rename it into place.

    A kill or a full disk leaves the previous file, or none; never half of one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
