"""What the benchmarks share: CPU time of whole trees of processes, interleaved rounds, one line and one record each.

A figure is the median of the rounds' ratios, with the smallest and the largest. All programs run one thread and are
measured in CPU time; in each round all run once, in the order opposite to that of the round before.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from seq2bert.experiments.runner import describe_commit
from seq2bert.results import results_folder, write_record

ROOT = Path(__file__).parents[2]
METER = Path(__file__).with_name("meter.py")
PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls others by their names
SINGLE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON")}


def cpu_seconds(command, log, folder=None, **environment):
    """CPU seconds, user and system, of a program and all its descendants; RuntimeError if it fails.

    Args:
        command: list of words.
        log: file that what it prints is added to.
        folder: where it runs.
        environment: variables to set besides those of this process.
    """
    metered = [sys.executable, "-S", "-E", str(METER), str(log), *map(str, command)]
    settings = {**os.environ, **SINGLE, "PATH": PROGRAMS, **environment}
    done = subprocess.run(metered, cwd=folder, env=settings, capture_output=True, text=True)
    status, seconds = json.loads(done.stdout or "[-1, 0]")
    if status:
        last = Path(log).read_text(errors="replace").strip().splitlines()[-1:] or [done.stderr.strip()]
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {status}: {last[0]}; see {log}")
    return seconds


def interleave(rounds, programs):
    """Call every program once a round, in alternating order; returns {name: [its cost in each round]}.

    >>> interleave(2, {"a": lambda number: print("a", number), "b": lambda number: print("b", number)})
    a 0
    b 0
    b 1
    a 1
    {'a': [None, None], 'b': [None, None]}
    """
    costs = {name: [] for name in programs}
    for number in range(rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            costs[name].append(programs[name](number))
    return costs


def conclude(identity, what, goal, costs, gates, settings, full):
    """Print a benchmark's line and write its record; returns whether the goal and every quality gate are met.

    Args:
        identity: such as G7.
        what: what is compared, in a few words.
        goal: the ratio to reach.
        costs: {"ours": [cost a round], "peer": [cost a round]}.
        gates: {what must hold: whether it does}.
        settings: what a reader needs to repeat it.
        full: measured in full, so the record belongs to the book; else it goes to _build.
    """
    ratios = [peer / ours for ours, peer in zip(costs["ours"], costs["peer"], strict=True)]
    median = statistics.median(ratios)
    met = median >= goal and all(gates.values())
    record = {
        "name": identity,
        "what": what,
        "goal": goal,
        "median": median,
        "smallest": min(ratios),
        "largest": max(ratios),
        "ratios": ratios,
        "cpu_seconds": costs,
        "gates": gates,
        "met": met,
        "settings": settings,
        "commit": describe_commit(),
        "device": processor(),
        "python": platform.python_version(),
    }
    folder = results_folder() if full else ROOT / "_build" / "results"
    write_record(folder / "benchmarks" / f"{identity}.json", record)
    quality = ", ".join(f"{gate}: {'yes' if holds else 'NO'}" for gate, holds in gates.items())
    print(
        f"{identity}  {what}: {median:.3g} [{min(ratios):.3g}, {max(ratios):.3g}], goal {goal:g}; {quality}; "
        f"{'met' if met else 'NOT MET'}",
        flush=True,
    )
    return met


def processor():
    """The processor's name, and how many of them there are."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} of them, 1 thread"
