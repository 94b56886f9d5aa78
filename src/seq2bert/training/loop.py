"""One training loop for every model of the course.

It asks three things of a chapter: a model, a function that lists the batches of an epoch, and a function from model
and batch to a loss. It adds what all of them need: AdamW with warm-up and decay, gradient clipping, progress, any
device, and checkpoints from which a killed run goes on as if nothing had happened.
"""

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from seq2bert.training.checkpoint import load_checkpoint, save_checkpoint

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainingConfig:
    """How to train, apart from what.

    Args:
        epochs: passes over the data.
        learning_rate: the highest rate, reached after the warm-up.
        warmup_fraction: part of all steps in which the rate climbs from zero, in a straight line.
        final_fraction: what the rate has fallen to at the end, as a part of the highest, along half a cosine.
        weight_decay: AdamW's decay of weight matrices; biases and norms have none.
        clip_norm: longest gradient allowed; a longer one is scaled down to it (Pascanu et al., 2013).
        seed: decides the order of the data and every dropout.
        precision: what matrix products are computed in: "float32", or "bfloat16" (torch's autocast), which is faster
            where the processor has it; weights, sums of losses and updates stay in float32.
    """

    epochs: int = 1
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.05
    final_fraction: float = 0.05
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    seed: int = 0
    precision: str = "float32"

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {list(PRECISIONS)}, got {self.precision!r}")
        for name in ("epochs", "learning_rate", "clip_norm"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")


@dataclass
class History:
    """What happened: the training loss of every step and what `evaluate` said after every epoch."""

    losses: list[float]
    evaluations: list[dict[str, float]]
    seconds: float


def learning_rate_factor(step: int, total_steps: int, config: TrainingConfig) -> float:
    """The rate at a step as a part of the highest: up in a straight line, down along half a cosine.

    >>> [round(learning_rate_factor(s, 100, TrainingConfig(warmup_fraction=0.1)), 2) for s in (0, 9, 54, 99)]
    [0.1, 1.0, 0.53, 0.05]
    """
    warmup = max(1, round(config.warmup_fraction * total_steps))
    if step < warmup:
        return (step + 1) / warmup
    progress = (step + 1 - warmup) / max(1, total_steps - warmup)
    return config.final_fraction + (1 - config.final_fraction) * (1 + math.cos(math.pi * progress)) / 2


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW that decays weight matrices and leaves vectors (biases, norms) alone."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.requires_grad and p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)


def pick_device() -> torch.device:
    """The GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch, any nesting of tuples and lists of tensors, on another device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    return type(batch)(to_device(part, device) for part in batch)


def train(
    model: nn.Module,
    epoch_batches: Callable[[torch.Generator], Sequence[Any]],
    loss_function: Callable[[nn.Module, Any], Tensor],
    config: TrainingConfig,
    *,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
) -> History:
    """Train a model in place, on the device where it lies.

    The order of epoch e is drawn from a generator seeded with (seed, e), and the checkpoint keeps the state of the
    random numbers that dropout uses. So a run that was killed and started again takes the steps it would have taken.

    Args:
        model: left in evaluation mode.
        epoch_batches: from a generator, the batches of one epoch in their order; the same number in every epoch.
        loss_function: from model and batch, a scalar loss.
        config: how to train.
        evaluate: called with the model in evaluation mode after every epoch; its numbers are shown and kept.
        checkpoint: file to save to and, if it exists, to go on from.
        checkpoint_every: steps between two saves; the end of every epoch saves too.
        progress: show a progress bar on standard output.

    Returns:
        The history, also of the steps taken before a restart.

    Raises:
        ValueError: the checkpoint belongs to another run.
        FloatingPointError: the loss is not a finite number; says at which step.
    """
    run = _Run(model, make_optimizer(model, config), config, checkpoint)
    torch.manual_seed(config.seed)  # dropout has no generator argument: it draws from the global one
    run.restore()
    device = next(model.parameters()).device
    bar = None
    for epoch in range(config.epochs):
        batches = epoch_batches(torch.Generator().manual_seed(config.seed * 1_000_003 + epoch))
        total_steps = config.epochs * len(batches)
        bar = bar or tqdm(total=total_steps, initial=run.step, disable=not progress, file=sys.stdout, unit="step")
        model.train()
        for batch in batches[max(0, run.step - epoch * len(batches)) :]:  # a restart skips the steps already taken
            for group in run.optimizer.param_groups:
                group["lr"] = config.learning_rate * learning_rate_factor(run.step, total_steps, config)
            with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                loss = loss_function(model, to_device(batch, device))
            run.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            run.optimizer.step()
            run.step += 1
            run.pending.append(loss.detach())
            bar.update()
            if run.step % 20 == 0:  # seldom, since reading a loss makes a GPU wait
                bar.set_postfix(loss=f"{run.read_losses():.3f}")
            if run.step % checkpoint_every == 0:
                run.save()
        model.eval()
        if evaluate is not None and len(run.history.evaluations) == epoch:
            run.history.evaluations.append(evaluate(model))
            said = ", ".join(f"{name} {value:.4g}" for name, value in run.history.evaluations[-1].items())
            if progress:
                tqdm.write(f"epoch {epoch + 1} of {config.epochs}: {said}", file=sys.stdout)
        run.save()
    bar.close()
    return run.history


@dataclass
class _Run:
    """What a restart needs: how far the run is and everything that the next step depends on."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    config: TrainingConfig
    checkpoint: Path | None
    step: int = 0
    history: History = field(default_factory=lambda: History([], [], 0.0))
    pending: list[Tensor] = field(default_factory=list)  # losses that still lie on the device
    started: float = field(default_factory=time.perf_counter)

    def read_losses(self) -> float:
        """Move the pending losses into the history, and return the mean of the last twenty."""
        for loss in self.pending:
            self.history.losses.append(loss.item())
            if not math.isfinite(self.history.losses[-1]):
                step = len(self.history.losses)
                raise FloatingPointError(f"the loss is {loss.item()} at step {step}; try a lower learning_rate")
        self.pending.clear()
        recent = self.history.losses[-20:]
        return sum(recent) / max(1, len(recent))

    def save(self) -> None:
        """Bring the history up to date and, where there is a checkpoint file, write it."""
        self.read_losses()
        now = time.perf_counter()
        self.history.seconds += now - self.started
        self.started = now
        if self.checkpoint is not None:
            state = {
                "config": asdict(self.config),
                "step": self.step,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "history": asdict(self.history),
                "random": torch.get_rng_state(),
                "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            }
            save_checkpoint(self.checkpoint, state)

    def restore(self) -> None:
        """Take up the run where the checkpoint file, if it exists, left it."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = load_checkpoint(self.checkpoint)
        shapes = {name: tuple(value.shape) for name, value in self.model.state_dict().items()}
        saved = {name: tuple(value.shape) for name, value in state["model"].items()}
        if state["config"] != asdict(self.config) or shapes != saved:
            raise ValueError(f"{self.checkpoint} was written by a run with another configuration; delete or move it")
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = History(**state["history"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"]:
            torch.cuda.set_rng_state_all(state["random_cuda"])
