"""What waiting costs: tokens per second of a recurrent layer and of a Transformer's, by the length of the sequences.

A batch always has the same number of tokens, so longer sequences mean fewer of them. One CPU thread, processor time,
forward and backward. Budget of the full profile: three minutes a seed.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seq2bert.recurrent import Recurrent
from seq2bert.transformer import EncoderLayer, TransformerConfig

DATA = ()


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    lengths: tuple[int, ...]
    rounds: int
    tokens: int = 2_048  # in a batch
    width: int = 256
    intermediate_size: int = 512  # so that both layers have about as many parameters


PROFILES = {
    "smoke": Settings(lengths=(8, 64), rounds=1, tokens=128, width=32),
    "full": Settings(lengths=(8, 32, 128, 512, 2_048), rounds=5),
}


def layers(settings: Settings) -> dict[str, tuple[nn.Module, Callable[[nn.Module, Tensor], Tensor]]]:
    """What is compared, and how each is called: our GRU, torch's, and an encoder layer."""
    width = settings.width
    config = TransformerConfig(
        1, 1, width, num_heads=4, intermediate_size=settings.intermediate_size, norm_first=True, dropout=0.0
    )
    return {
        "gru": (Recurrent("gru", width, width), lambda layer, x: layer(x)[0]),
        "torch_gru": (nn.GRU(width, width, batch_first=True), lambda layer, x: layer(x)[0]),
        "transformer": (EncoderLayer(config), lambda layer, x: layer(x)),
    }


def multiplications(kind: str, length: int, settings: Settings) -> int:
    """Multiplications that one token costs in a forward pass."""
    width = settings.width
    if kind == "transformer":
        return 4 * width**2 + 2 * width * settings.intermediate_size + 2 * length * width
    return 6 * width**2  # three gates, each from the token and from the state


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Median tokens per second over interleaved rounds whose order is turned around each time."""
    torch.manual_seed(seed)
    compared = layers(settings)
    seconds: dict[str, list[list[float]]] = {kind: [[] for _ in settings.lengths] for kind in compared}
    for turn in range(settings.rounds + 1):
        order = list(compared.items()) if turn % 2 else list(compared.items())[::-1]
        for place, length in enumerate(settings.lengths):
            inputs = torch.randn(settings.tokens // length, length, settings.width)
            for kind, (layer, call) in order:
                started = time.process_time()
                call(layer, inputs).square().mean().backward()
                if turn:  # the first round warms up
                    seconds[kind][place].append(time.process_time() - started)
    return {
        "metrics": {
            f"tokens_per_second_{kind}": [settings.tokens / statistics.median(times) for times in by_length]
            for kind, by_length in seconds.items()
        },
        "axes": {
            "lengths": list(settings.lengths),
            "parameters": {kind: sum(p.numel() for p in layer.parameters()) for kind, (layer, _) in compared.items()},
            "multiplications": {
                kind: [multiplications(kind, length, settings) for length in settings.lengths] for kind in compared
            },
        },
    }
