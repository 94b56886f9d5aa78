"""Run a program and print [exit status, CPU seconds] of it and of every process that it or they started.

Usage: python meter.py LOG COMMAND...   (what the program prints goes to the file LOG)

The system adds a process's time to that of whoever waits for it. A process whose parent ended first would be waited
for by the system itself, and its time lost; so this one takes in such orphans, and ends when the last of them has.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def main(log, *command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open(log, "ab") as file:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file).returncode
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps([status, used.ru_utime + used.ru_stime]))


if __name__ == "__main__":
    main(*sys.argv[1:])
