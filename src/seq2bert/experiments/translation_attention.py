"""German captions into English with a look back: chapter 04's model on Multi30k.

Data, steps and width are those of `translation`. Budget of the full profile: 20 minutes a seed on one CPU thread.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from seq2bert.attention import AttentionConfig, AttentionSeq2Seq
from seq2bert.data import multi30k
from seq2bert.experiments import translation
from seq2bert.experiments.translation import Settings, recurrent_sizes, translate
from seq2bert.seq2seq import write
from seq2bert.sequences import BOS_ID, Vocabulary, pad

DATA = translation.DATA
PROFILES = translation.PROFILES


def attention(preset: str, **changes: Any) -> Callable[[int, int], AttentionSeq2Seq]:
    """Chapter 04's model, as `train_model` asks for it: a preset, and fields of it to set otherwise."""
    return lambda source_vocab, target_vocab: AttentionSeq2Seq(
        AttentionConfig.preset(preset, source_vocab, target_vocab, **changes)
    )


def looks(
    model: AttentionSeq2Seq, german: Vocabulary, english: Vocabulary, settings: Settings, count: int
) -> list[dict[str, Any]]:
    """Where the model looked while it wrote: the first short test sentences, what it made of them, and the weights."""
    found = []
    for words, _ in [pair for pair in multi30k.pairs("test") if len(pair[0]) <= 12][:count]:
        (written,) = write(model, [words], german, english, multi30k.MAX_WORDS, settings.beam_size)
        source, lengths = pad([german.encode(words)])
        weights = model.alignment(source, lengths, torch.tensor([[BOS_ID, *english.encode(written)]]))[0]  # (T+1, S)
        rounded = [[round(weight, 3) for weight in row] for row in weights.tolist()]
        found.append({"source": list(words), "written": [*written, "<eos>"], "weights": rounded})
    return found


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Additive scores, all steps at once: the decoder of Luong et al. with the score of Bahdanau et al."""
    outcome, model, german, english = translate(
        attention("base", **recurrent_sizes(settings)), settings, seed, folder / "training.pt"
    )
    outcome["examples"] = {
        "translations": outcome["examples"],
        "looks": looks(model.cpu(), german, english, settings, count=8),
    }
    return outcome
