"""Print one hash for the contents of files and folders: a step whose hash is unchanged has nothing to do.

Usage: python tools/fingerprint.py PATH...   (folders are read whole, less caches; a missing path counts as missing)
"""

import hashlib
import sys
from pathlib import Path

SKIPPED = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}


def files(path: Path):
    if path.is_dir():
        for child in sorted(path.iterdir()):
            if child.name not in SKIPPED and not child.name.endswith(".egg-info"):
                yield from files(child)
    else:
        yield path


def fingerprint(paths) -> str:
    total = hashlib.sha256()
    for path in paths:
        for file in files(Path(path)):
            content = file.read_bytes() if file.is_file() else b"missing"
            total.update(f"{file.as_posix()}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


if __name__ == "__main__":
    print(fingerprint(sys.argv[1:]))
