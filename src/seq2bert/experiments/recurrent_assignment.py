"""Assignment 02's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/recurrent_experiment.py. Budget: 60 s a seed on two CPU cores.
"""

import time
from pathlib import Path
from typing import Any

from seq2bert.data import adding
from seq2bert.experiments.adding_problem import Settings, held_out_error, train_adder

DATA = ()

PROFILES = {"smoke": Settings(steps=20, every=10), "full": Settings(steps=1_000)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train the LSTM; mean squared error on the held-out sequences."""
    started = time.perf_counter()
    model, curve = train_adder("lstm", settings, seed)
    seconds = time.perf_counter() - started
    _, sums = adding.held_out()
    return {
        "metrics": {
            "mse": held_out_error(model),
            "always_one_mse": (sums - 1).square().mean().item(),
            "curve": curve,
            "training_seconds": seconds,
        },
        "axes": {"steps": list(range(settings.every, settings.steps + 1, settings.every)), "held_out": len(sums)},
    }
