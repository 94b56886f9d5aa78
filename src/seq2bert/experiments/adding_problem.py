"""The adding problem with each of the three cells: whose gradient reaches fifty steps back?

Same data, same steps, same settings; a model that has learnt nothing answers 1, with a squared error of 1/6.
Budget of the full profile: three minutes a seed on one CPU thread, for all three cells together.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from seq2bert.data import adding
from seq2bert.recurrent import CELLS, LSTMCell, Recurrent, clip_gradients

DATA = ()  # drawn, not downloaded


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed; the assignment's experiment has the same."""

    steps: int
    every: int = 100  # steps between two points of a curve
    hidden_size: int = 32
    batch_size: int = 64
    learning_rate: float = 0.02
    clip_norm: float = 1.0


PROFILES = {"smoke": Settings(steps=20, every=10), "full": Settings(steps=2_000)}


class Adder(nn.Module):
    """A recurrent network whose last state is read as one number.

    >>> Adder("gru", 8)(torch.zeros(4, 50, 2)).shape
    torch.Size([4])
    """

    def __init__(self, cell: str, hidden_size: int):
        super().__init__()
        self.recurrent = Recurrent(cell, 2, hidden_size)
        self.output = nn.Linear(hidden_size, 1)
        if cell == "lstm":
            remember_at_first(self.recurrent.layers[0])

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, T, 2) -> (B,)."""
        outputs, _ = self.recurrent(inputs)
        return self.output(outputs[:, -1]).squeeze(-1)


def remember_at_first(cell: LSTMCell) -> None:
    """Raise the forget gate's bias by 1, so that a new cell keeps most of its memory (Gers et al., 2000)."""
    with torch.no_grad():
        cell.bias_ih.chunk(cell.num_gates)[1].add_(1.0)


@torch.no_grad()
def held_out_error(model: nn.Module) -> float:
    """Mean squared error on the held-out sequences."""
    inputs, sums = adding.held_out()
    return (model(inputs) - sums).square().mean().item()


def train_adder(cell: str, settings: Settings, seed: int) -> tuple[Adder, list[float]]:
    """Train on fresh sequences at every step, with Adam and a rate that falls to zero in the second half.

    Returns:
        The model, and its held-out error after every `settings.every` steps.
    """
    torch.manual_seed(seed)
    model = Adder(cell, settings.hidden_size)
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, settings.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2 * (1 - step / settings.steps)))
    generator = torch.Generator().manual_seed(seed)
    curve = []
    for step in tqdm(range(1, settings.steps + 1), desc=cell, file=sys.stdout):
        inputs, sums = adding.draw(settings.batch_size, generator)
        loss = (model(inputs) - sums).square().mean()
        gradients, _ = clip_gradients(torch.autograd.grad(loss, parameters), settings.clip_norm)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        schedule.step()
        if step % settings.every == 0:
            curve.append(held_out_error(model))
    return model, curve


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train each cell from the same seed; held-out error along the way and at the end."""
    _, sums = adding.held_out()
    metrics: dict[str, Any] = {"always_one_mse": (sums - 1).square().mean().item()}
    for cell in CELLS:
        _, curve = train_adder(cell, settings, seed)
        metrics |= {f"{cell}_mse": curve[-1], f"{cell}_curve": curve}
    steps = list(range(settings.every, settings.steps + 1, settings.every))
    return {"metrics": metrics, "axes": {"steps": steps, "length": adding.LENGTH, "held_out": len(sums)}}
