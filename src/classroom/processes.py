"""Running a function in a process of its own with a time limit, and leaving nothing of it behind.

The processes are forked from a server that has already imported nbgrader, which takes seconds.
"""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from multiprocessing import forkserver

import psutil


def warm_up(module):
    """Start the server and let it import a module while this process goes on with its own imports."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([module])
    forkserver.ensure_running()


def run_limited(function, argument, seconds):
    """Call function(argument) in a child process; returns whether it ended by itself within the time.

    Args:
        function: of an importable module, which the server imports once; it hands its outcome over in a file.
        argument: picklable.
        seconds: wall-clock limit, after which the child and all that it started are killed.
    """
    warm_up(function.__module__)
    process = multiprocessing.get_context("forkserver").Process(target=_child, args=(function, argument))
    process.start()
    try:
        process.join(seconds)
        return process.exitcode is not None
    finally:
        if process.exitcode is None:
            kill_tree(process.pid)
        process.join()


def kill_tree(pid):
    """Kill a process, all its descendants, and the process groups they lead: a kernel leads one of its own."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in [*top.children(recursive=True), top]:
            for kill in (os.killpg, os.kill):
                with suppress(ProcessLookupError, PermissionError):
                    kill(process.pid, signal.SIGKILL)


def _child(function, argument):
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    function(argument)


def _die_with_parent():
    """A grader that was killed must not leave a notebook running that still writes to the gradebook."""
    multiprocessing.parent_process().join()
    kill_tree(os.getpid())
