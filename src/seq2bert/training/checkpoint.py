"""Checkpoints that are whole or absent, and small released weights with a card."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from seq2bert.files import write_atomically


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a training state: tensors, numbers, strings, lists and dicts."""
    write_atomically(path, lambda temporary: torch.save(state, temporary))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a training state onto the CPU, without running any code that the file might hold.

    Raises:
        ValueError: the file is no checkpoint, or a damaged one.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here; all mean the same to the caller
        raise ValueError(f"{path} is not a readable checkpoint; delete it to train from the start ({error})") from error


def release_weights(path: Path, weights: dict[str, Tensor], card: dict[str, Any]) -> None:
    """Write the weights in half precision as `path` (.safetensors) and what they are as a .json card beside it."""
    weights = {name: value.detach().half().contiguous().cpu() for name, value in weights.items()}
    write_atomically(path, lambda temporary: save_file(weights, temporary))
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path.with_suffix(".json"), lambda temporary: temporary.write_text(text, encoding="utf-8"))


def released_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights in single precision and their card, as `release_weights` wrote them."""
    weights = {name: value.float() for name, value in load_file(path).items()}
    return weights, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
