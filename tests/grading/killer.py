"""Start a command, send it a signal at some moment, and see what becomes of all its processes and temporary files.

    python killer.py '{"signal": 9, "lines": 3, "seconds": 10}' TEMPORARY-FOLDER COMMAND...

`lines` is how many lines of progress it has written by then, `seconds` how long it may take at most; prints JSON.
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psutil

from classroom import kernel

PATIENCE = 20  # seconds in which everything has to be gone


def main(how, temporary, command):
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)  # whatever loses its parent comes to this process
    os.makedirs(temporary, exist_ok=True)
    ran = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": temporary})
    said = []
    reader = threading.Thread(target=lambda: said.extend(iter(ran.stderr.readline, "")), daemon=True)
    reader.start()
    deadline = time.monotonic() + how.get("seconds", 600)
    while ran.poll() is None and time.monotonic() < deadline:
        if sum(line.startswith("[") for line in said) >= how.get("lines", 1000):
            break
        time.sleep(0.02)
    ran.send_signal(how["signal"])
    ended = time.monotonic()
    code = ran.wait()
    while (left := descendants()) and time.monotonic() < ended + PATIENCE:
        time.sleep(0.05)
    seconds = time.monotonic() - ended
    reader.join(5)
    return {"code": code, "said": "".join(said), "left": left, "seconds": seconds, "files": os.listdir(temporary)}


def descendants():
    """Command lines of everything below this process that runs."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:100])
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:])))
