"""The registry of measured numbers: one JSON file per recorded experiment, and how pages read it.

A page never types a measured number. It asks for the record and glues what it finds; a number without a record
stops the build.
"""

import json
import math
import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.files import CourseError, write_atomically


def results_folder() -> Path:
    """`book/results` of this checkout, or the folder that SEQ2BERT_RESULTS names."""
    named = os.environ.get("SEQ2BERT_RESULTS")
    return Path(named) if named else Path(__file__).parents[2] / "book" / "results"


def summarise(values: list) -> dict[str, Any]:
    """Every value, the mean and the standard deviation over seeds; curves are summarised point by point.

    >>> summarise([1.0, 3.0])
    {'values': [1.0, 3.0], 'mean': 2.0, 'std': 1.4142135623730951}
    """
    if isinstance(values[0], list):
        points = [summarise(list(point)) for point in zip(*values, strict=True)]
        return {"values": values, "mean": [p["mean"] for p in points], "std": [p["std"] for p in points]}
    spread = statistics.stdev(values) if len(values) > 1 else math.nan
    return {"values": values, "mean": statistics.fmean(values), "std": None if math.isnan(spread) else spread}


@dataclass(frozen=True)
class Record:
    """A recorded experiment, as it lies in its file."""

    name: str
    content: dict[str, Any]

    def metric(self, name: str) -> dict[str, Any]:
        """`values`, `mean` and `std` of a metric.

        Raises:
            CourseError: the record has no such metric; says which it has.
        """
        metrics = self.content["metrics"]
        if name not in metrics:
            raise CourseError(f"record {self.name!r} has no metric {name!r}; it has: {', '.join(metrics)}")
        return metrics[name]

    def percent(self, name: str, digits: int = 1) -> str:
        """Mean and standard deviation of a part of 1, in per cent: `31.2 ± 0.3 %`."""
        metric = self.metric(name)
        spread = "" if metric["std"] is None else f" ± {100 * metric['std']:.{digits}f}"
        return f"{100 * metric['mean']:.{digits}f}{spread} %"

    def origin(self) -> str:
        """Where the numbers come from, in one line: command, device, seeds, and the processor time of all seeds."""
        content = self.content
        seeds = ", ".join(str(seed) for seed in content["seeds"])
        at_least = "at least " if content.get("resumed") else ""
        minutes = f"{content['cpu_seconds'] / 60:.0f} minutes" if content["cpu_seconds"] >= 90 else "about a minute"
        return (
            f"`{content['command']}`: {content['device']}, {content['dtype']}, "
            f"seed{'s' if len(content['seeds']) > 1 else ''} {seeds}, {at_least}{minutes} of processor time"
        )


def recorded(name: str) -> Record:
    """The record of an experiment.

    Raises:
        CourseError: there is none, or the file is not a record; the message has the command that makes it.
    """
    path = results_folder() / f"{name}.json"
    remedy = f"make it with: seq2bert run {name} --profile full"
    if not path.exists():
        raise CourseError(f"there is no record {name!r} in {path.parent}; {remedy}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CourseError(f"{path} is not readable as JSON ({error}); {remedy}") from error
    missing = {"profile", "command", "seeds", "metrics", "device", "dtype", "cpu_seconds"} - set(content)
    if missing:
        raise CourseError(f"{path} lacks {', '.join(sorted(missing))}; {remedy}")
    return Record(name, content)


def benchmarks() -> dict[str, dict[str, Any]]:
    """The records of `make bench` by their ids, such as G7: what is compared, ratios, goal, gates, settings, device."""
    files = sorted((results_folder() / "benchmarks").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write a record, whole or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
