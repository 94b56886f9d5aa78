"""A PostgreSQL server of one's own, on a socket in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path


def programs():
    """The folder with initdb and postgres; None if PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = shutil.which("initdb") or (str(found[-1]) if found else None)
    return path and Path(path).parent


def ordinary_user():
    """Whom to run the server as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = users.get("postgres", users["nobody"])
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def server():
    """Start a server; gives the URL of its empty database."""
    who = ordinary_user()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if who:
            shutil.chown(folder, who["user"], who["group"])
        data, log = folder / "data", folder / "log"
        run = {**who, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        make = [
            programs() / "initdb",
            "-D",
            data,
            "-U",
            "teacher",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        ]
        subprocess.run(make, check=True, **run)
        start = [programs() / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        with log.open("w") as written:
            process = subprocess.Popen(start, **{**run, "stderr": written})
            try:
                deadline = time.monotonic() + 30
                while "ready to accept connections" not in log.read_text():
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.05)
                yield f"postgresql://teacher@/postgres?host={folder}"
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
