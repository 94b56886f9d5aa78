"""Run an experiment over its seeds and record what came out, with everything needed to repeat it.

A seed that has finished is kept in `_build/runs`, and one that was killed goes on from its last checkpoint. So a run
can be stopped at any time, seeds can run in separate processes, and the last call writes the record.
"""

import hashlib
import importlib
import json
import platform
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from seq2bert.data.catalog import DATASETS
from seq2bert.files import CourseError, write_atomically
from seq2bert.pretrained import FOLDER as PRETRAINED
from seq2bert.results import results_folder, summarise, write_record
from seq2bert.training.checkpoint import release_weights, released_weights
from seq2bert.training.loop import pick_device

ROOT = Path(__file__).parents[3]
LIBRARIES = ("torch", "numpy", "seq2bert")


def experiment_names() -> list[str]:
    """The modules of this package that hold an experiment."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in {"__init__", "runner"})


def run(name: str, profile: str, seeds: list[int], fresh: bool = False) -> Path:
    """Run the seeds that have not run yet, and write the record of all of them.

    Args:
        name: the experiment.
        profile: `smoke` (seconds, recorded under `_build/results`) or `full` (recorded under `book/results`).
        seeds: what to repeat it with.
        fresh: forget finished seeds and checkpoints.

    Returns:
        The path of the record.

    Raises:
        CourseError: there is no such experiment or profile.
    """
    if name not in experiment_names():
        raise CourseError(f"there is no experiment {name!r}; there are: {', '.join(experiment_names())}")
    experiment = importlib.import_module(f"seq2bert.experiments.{name}")
    if profile not in experiment.PROFILES:
        raise CourseError(f"experiment {name!r} has no profile {profile!r}; it has: {', '.join(experiment.PROFILES)}")
    settings = experiment.PROFILES[profile]
    commit = describe_commit()  # of the code that is loaded now, whatever is committed while it runs
    runs = [_run_seed(experiment, name, profile, settings, seed, fresh, commit) for seed in seeds]
    content = {
        "name": name,
        "profile": profile,
        "command": f"seq2bert run {name} --profile {profile} --seeds {' '.join(map(str, seeds))}",
        "commit": _one([r["commit"] for r in runs]),
        "seeds": seeds,
        "settings": asdict(settings),
        "metrics": {key: summarise([r["metrics"][key] for r in runs]) for key in runs[0]["metrics"]},
        "axes": runs[0]["axes"],
        "examples": runs[0]["examples"],
        "device": _one([r["device"] for r in runs]),
        "dtype": getattr(settings, "precision", "float32"),  # of the matrix products in training
        "libraries": runs[0]["libraries"],
        "resumed": any(r.get("resumed", False) for r in runs),
        "wall_seconds": sum(r["wall_seconds"] for r in runs),
        "cpu_seconds": sum(r["cpu_seconds"] for r in runs),
        "peak_memory_mib": max(r["peak_memory_mib"] for r in runs),
        "data": runs[0]["data"],
    }
    path = (results_folder() if profile == "full" else ROOT / "_build" / "results") / f"{name}.json"
    write_record(path, content)
    if profile == "full":
        for file in getattr(experiment, "RELEASES", ()):
            made = _folder(name, profile, settings, seeds[0]) / file
            if made.suffix != ".safetensors":  # a text, whose card is the record
                write_atomically(PRETRAINED / file, partial(shutil.copyfile, made))
                continue
            weights, card = released_weights(made)
            measured = {
                key: runs[0][key] for key in ("metrics", "device", "libraries", "wall_seconds", "commit", "data")
            }
            release_weights(PRETRAINED / file, weights, card | {"command": content["command"]} | measured)
    return path


def _folder(name: str, profile: str, settings: Any, seed: int) -> Path:
    """Where a seed keeps its checkpoint and outcome: another place for other settings or another device."""
    key = hashlib.sha256(json.dumps([asdict(settings), describe_device(pick_device())]).encode()).hexdigest()[:12]
    return ROOT / "_build" / "runs" / name / profile / f"seed-{seed}-{key}"


def _run_seed(
    experiment: Any, name: str, profile: str, settings: Any, seed: int, fresh: bool, commit: str
) -> dict[str, Any]:
    """One seed: from its file if it has finished with the same settings, else run now."""
    device = describe_device(pick_device())
    folder = _folder(name, profile, settings, seed)
    finished = folder / "outcome.json"
    if fresh:
        for path in folder.glob("*"):
            path.unlink()
    if finished.exists():
        print(f"{name}, seed {seed}: finished before, kept")
        return json.loads(finished.read_text(encoding="utf-8"))
    print(f"{name}, seed {seed}, profile {profile}, on {device}", flush=True)
    resumed = any(folder.glob("*.pt"))  # then the seconds below are those since the restart
    folder.mkdir(parents=True, exist_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = experiment.run_seed(settings, seed, folder)
    outcome = {
        "metrics": outcome["metrics"],
        "axes": outcome.get("axes", {}),
        "examples": outcome.get("examples", {}),
        "commit": commit,
        "device": device,
        "resumed": resumed,
        "libraries": {"python": platform.python_version()}
        | {library: metadata.version(library) for library in LIBRARIES},
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_memory_mib": round(_peak_memory_mib()),
        "data": {
            n: {"version": DATASETS[n].version} | {f.path: f.sha256 for f in DATASETS[n].files} for n in experiment.DATA
        },
    }
    write_record(finished, outcome)
    return outcome


def describe_device(device: torch.device) -> str:
    """The device in words: the GPU's name, or how many CPU threads work on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def describe_commit() -> str:
    """The commit of the checkout, with `+changes` when files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+changes" if git("status", "--porcelain", "src") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _peak_memory_mib() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _one(values: list[str]) -> str:
    """The value that all runs share, or all the values there are."""
    return ", ".join(dict.fromkeys(values))
