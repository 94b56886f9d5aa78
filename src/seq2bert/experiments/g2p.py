"""Spelling to sound with a fixed context: the LSTM encoder-decoder of chapter 03 on CMUdict.

Budget of the full profile: at most 30 minutes of processor time a seed, on one thread.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.seq2seq import Pair, Seq2Seq, Seq2SeqConfig, make_batch, shift, teacher_forcing_loss, write
from seq2bert.sequences import PAD_ID, Vocabulary, batch_indices
from seq2bert.training.checkpoint import release_weights
from seq2bert.training.loop import History, TrainingConfig, pick_device, to_device, train

DATA = ("cmudict",)
RELEASES = ("g2p.safetensors",)  # the first seed's weights become seq2bert.pretrained.g2p
VALIDATION = "validation nats per phoneme"
LENGTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)  # letters; the ends take in all shorter and longer words


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    preset: str
    epochs: int
    batch_size: int
    learning_rate: float
    train_words: int | None = None  # None = all
    test_words: int | None = None
    beam_size: int = 4


PROFILES = {
    "smoke": Settings("small", epochs=3, batch_size=64, learning_rate=4e-3, train_words=12_000, test_words=500),
    "full": Settings("base", epochs=12, batch_size=256, learning_rate=2e-3),
}


def vocabularies(pairs: Sequence[Pair], min_count: int = 1) -> tuple[Vocabulary, Vocabulary]:
    """Source and target tokens that the training pairs have at least `min_count` times."""
    sources, targets = zip(*pairs, strict=True)
    return Vocabulary.build(sources, min_count), Vocabulary.build(targets, min_count)


def epoch_of_batches(pairs, letters: Vocabulary, phonemes: Vocabulary, batch_size: int):
    """What the training loop asks for: from a generator, an epoch's batches of pairs of like length."""
    lengths = [len(word) for word, _ in pairs]

    def batches(generator: torch.Generator) -> list:
        rows = batch_indices(lengths, batch_size, generator)
        return [make_batch([pairs[i] for i in batch], letters, phonemes) for batch in rows]

    return batches


@torch.no_grad()
def mean_loss(model: Seq2Seq, batches: list) -> float:
    """Nats per phoneme over all batches, each weighted by its real tokens."""
    device = next(model.parameters()).device
    total = tokens = 0.0
    for batch in batches:
        real = (shift(batch[2])[1] != PAD_ID).sum().item()
        total += teacher_forcing_loss(model, to_device(batch, device)).item() * real
        tokens += real
    return total / tokens


def letter_by_letter(pairs: list[tuple[str, g2p.Phonemes]], words: list[str]) -> list[list[str]]:
    """The trivial rival: every letter says the phoneme it most often stands beside in words with as many of both.

    Args:
        pairs: words and pronunciations to count in.
        words: what to pronounce; a letter that was never counted stays silent.
    """
    beside: dict[str, Counter] = {}
    for word, said in pairs:
        if len(word) == len(said):
            for letter, phoneme in zip(word, said, strict=True):
                beside.setdefault(letter, Counter())[phoneme] += 1
    favourite = {letter: counts.most_common(1)[0][0] for letter, counts in beside.items()}
    return [[favourite[letter] for letter in word if letter in favourite] for word in words]


def seq2seq(preset: str, **changes: Any) -> Callable[[int, int], Seq2Seq]:
    """Chapter 03's model, as `train_model` asks for it: a preset, and fields of it to set otherwise."""
    return lambda source_vocab, target_vocab: Seq2Seq(
        Seq2SeqConfig.preset(preset, source_vocab, target_vocab, **changes)
    )


def train_model(
    pairs: Sequence[Pair],
    build: Callable[[int, int], Seq2Seq],
    settings: Any,
    seed: int,
    checkpoint: Path,
    validation: Sequence[Pair] | None = None,
    loss_function: Callable[[Seq2Seq, Any], Tensor] = teacher_forcing_loss,
    min_count: int = 1,
    **training: Any,
) -> tuple[Seq2Seq, Vocabulary, Vocabulary, History]:
    """An encoder-decoder trained on pairs of sequences: what all experiments with such models have in common.

    Args:
        pairs: sources and targets to learn from; they decide the vocabularies.
        build: from the sizes of the two vocabularies, the model; its weights are drawn from the seed.
        settings: with `epochs`, `batch_size` and `learning_rate`.
        seed: of the weights, the order and the dropout.
        checkpoint: where a killed run goes on from.
        validation: pairs on which to measure the loss after each epoch.
        loss_function: of model and batch.
        min_count: how often a token must be seen to have an id.
        training: fields of TrainingConfig to set otherwise.

    Returns:
        The model in evaluation mode, the two vocabularies, and the history.
    """
    letters, phonemes = vocabularies(pairs, min_count)
    evaluate = None
    if validation is not None:
        order = torch.Generator().manual_seed(0)
        held_out = epoch_of_batches(validation, letters, phonemes, settings.batch_size)(order)

        def evaluate(model):
            return {VALIDATION: mean_loss(model, held_out)}

    torch.manual_seed(seed)
    model = build(len(letters), len(phonemes)).to(pick_device())
    history = train(
        model,
        epoch_of_batches(pairs, letters, phonemes, settings.batch_size),
        loss_function,
        TrainingConfig(epochs=settings.epochs, learning_rate=settings.learning_rate, seed=seed, **training),
        evaluate=evaluate,
        checkpoint=checkpoint,
    )
    return model, letters, phonemes, history


def pronounce(
    build: Callable[[int, int], Seq2Seq], settings: Settings, seed: int, folder: Path, name: str
) -> dict[str, Any]:
    """Train on the training words, test on words never seen: PER and WER, greedy and beam, and by word length.

    Args:
        build: from the sizes of the two vocabularies, the model.
        settings: of the run.
        seed: of the run.
        folder: where a killed run goes on from, and the weights are left for release.
        name: of the weights' file.

    Returns:
        Metrics, axes and examples of a record.
    """
    split = g2p.split()
    pairs = g2p.pairs(split["train"][: settings.train_words])
    test = split["test"][: settings.test_words]
    model, letters, phonemes, history = train_model(
        pairs, build, settings, seed, folder / "training.pt", g2p.pairs(split["validation"])
    )
    words = [entry.word for entry in test]
    ways = [entry.pronunciations for entry in test]
    greedy = write(model, words, letters, phonemes, g2p.MAX_PHONEMES)
    beam = write(model, words, letters, phonemes, g2p.MAX_PHONEMES, settings.beam_size)
    greedy_rates, beam_rates = error_rates(greedy, ways), error_rates(beam, ways)
    buckets = [[i for i, word in enumerate(words) if bucket(len(word)) == length] for length in LENGTHS]
    by_length = [error_rates([beam[i] for i in rows], [ways[i] for i in rows]) for rows in buckets]
    release_weights(
        folder / name,
        model.state_dict(),
        {"settings": vars(model.config), "letters": letters.tokens, "phonemes": phonemes.tokens, "seed": seed},
    )
    return {
        "metrics": {
            "wer": beam_rates.wer,
            "per": beam_rates.per,
            "greedy_wer": greedy_rates.wer,
            "greedy_per": greedy_rates.per,
            "accuracy_by_length": [1 - rates.wer for rates in by_length],
            "per_by_length": [rates.per for rates in by_length],
            "validation_loss": [e[VALIDATION] for e in history.evaluations],
            "training_seconds": history.seconds,
        },
        "axes": {
            "letters": list(LENGTHS),
            "words": [len(rows) for rows in buckets],
            "train_pairs": len(pairs),
            "test_words": len(test),
            "parameters": model.config.num_parameters(),
        },
        "examples": {word: " ".join(said) for word, said in list(zip(words, beam, strict=True))[:40]},
    }


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Chapter 03's model, and the trivial rival beside it."""
    outcome = pronounce(seq2seq(settings.preset), settings, seed, folder, *RELEASES)
    split = g2p.split()
    pairs, test = g2p.pairs(split["train"][: settings.train_words]), split["test"][: settings.test_words]
    trivial = error_rates(
        letter_by_letter(pairs, [entry.word for entry in test]), [entry.pronunciations for entry in test]
    )
    outcome["metrics"] |= {"letter_by_letter_wer": trivial.wer, "letter_by_letter_per": trivial.per}
    return outcome


def bucket(length: int) -> int:
    """The length under which a word is counted.

    >>> bucket(1), bucket(7), bucket(20)
    (3, 7, 14)
    """
    return min(max(length, LENGTHS[0]), LENGTHS[-1])
