"""Assignment 06's experiment with the library's functions: what an honest, right answer scores.

Its five seeds freeze the marks' bands in checks/word2vec_experiment.py. Vectors of chance are asked as well: what they
reach has to earn nothing. Budget: 60 s a seed on two CPU cores, beyond what reading the corpus takes.
"""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor

from seq2bert.checks.word2vec import (
    reference_draw_negatives,
    reference_gradients,
    reference_skip_gram_pairs,
)
from seq2bert.checks.word2vec_experiment import MIN_COUNT, rated_pairs
from seq2bert.data import similarity, words
from seq2bert.training.loop import pick_device
from seq2bert.word2vec import (
    WordVectors,
    draw_reach,
    keep_probabilities,
    negative_probabilities,
    negative_sampling_loss,
)

DATA = ("movie-reviews", "wikipedia", "wordsim353", "simlex999")
STRETCH = 400  # words whose pairs are found at once
CHANCE = 200  # tables of random numbers that are asked, too


@dataclass(frozen=True)
class Settings:
    """What the notebook sets, too: a test compares the two."""

    part: str
    window: int = 5
    negatives: int = 3
    width: int = 50
    batch: int = 16_384
    learning_rate: float = 0.03
    subsample: float = 3e-5


PROFILES = {"smoke": Settings("validation"), "full": Settings("train")}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Train once; the rank correlation with what people say, of these vectors and of vectors of chance."""
    lines = words.lines(settings.part)
    seen = Counter(word for line in lines for word in line)
    known = [word for word, count in seen.most_common() if count >= MIN_COUNT]
    ids = {word: i for i, word in enumerate(known)}
    counts = torch.tensor([seen[word] for word in known])  # (V,)
    text = [[ids[word] for word in line if word in ids] for line in lines]

    started = time.perf_counter()
    centres, contexts, untrained, axes = train(text, counts, settings, seed)
    seconds = time.perf_counter() - started

    generator = torch.Generator().manual_seed(seed)
    chance = (torch.randn(len(known), settings.width, generator=generator) for _ in range(CHANCE))
    pairs = [pair for pair in rated_pairs() if pair[0] in ids and pair[1] in ids]
    alike = [pair for pair in similarity.rated_pairs("simlex999") if pair[0] in ids and pair[1] in ids]
    by_chance = [correlation(WordVectors(known, table), pairs) for table in chance]
    return {
        "metrics": {
            "rho": correlation(WordVectors(known, centres), pairs),
            "rho_untrained": correlation(WordVectors(known, untrained), pairs),
            "rho_both": correlation(WordVectors(known, centres + contexts), pairs),
            "rho_simlex": correlation(WordVectors(known, centres), alike),
            "chance_spread": torch.tensor(by_chance).std().item(),
            "loss": axes.pop("loss"),
            "seconds": seconds,
        },
        "axes": axes
        | {
            "words": sum(map(len, text)),
            "vocabulary": len(known),
            "wordsim_pairs": len(pairs),
            "simlex_pairs": len(alike),
        },
    }


def train(
    text: list[list[int]], counts: Tensor, settings: Settings, seed: int
) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
    """One pass over the pairs of a text with Adam, step by step as in the notebook.

    Returns:
        Centres and contexts, the centres before training, and the axes, with the mean loss of the last tenth.
    """
    ids = torch.tensor([i for line in text for i in line])  # (T,)
    sentences = torch.arange(len(text)).repeat_interleave(torch.tensor([len(line) for line in text]))  # (T,)
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(len(ids), generator=generator) < keep_probabilities(counts, settings.subsample)[ids]  # (T,)
    thinned = ids[kept], sentences[kept], draw_reach(int(kept.sum()), settings.window, generator)
    parts = zip(*(tensor.split(STRETCH) for tensor in thinned), strict=True)
    pairs = torch.cat([reference_skip_gram_pairs(*part) for part in parts])  # (P, 2)
    pairs = pairs[torch.randperm(len(pairs), generator=generator)]
    noise, device = negative_probabilities(counts), pick_device()  # (V,)

    initial = (torch.rand(len(counts), settings.width, generator=generator) - 0.5) / settings.width  # (V, D)
    centres = initial.clone().to(device)
    contexts = torch.zeros_like(centres)
    optimizer = torch.optim.Adam([centres, contexts], lr=settings.learning_rate)
    batches, losses = pairs.split(settings.batch), []
    for step, batch in enumerate(batches):
        negatives = reference_draw_negatives(noise, (len(batch), settings.negatives), seed + step).to(device)  # (B, K)
        batch = batch.to(device)  # (B, 2)
        if step >= len(batches) * 0.9:
            vectors = centres[batch[:, 0]], contexts[batch[:, 1]], contexts[negatives]
            losses.append(negative_sampling_loss(*vectors).mean().item())
        centres.grad, contexts.grad = reference_gradients(centres, contexts, batch, negatives)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / len(batches))
        optimizer.step()
    axes = {"kept": int(kept.sum()), "pairs": len(pairs), "steps": len(batches), "loss": sum(losses) / len(losses)}
    return centres.cpu(), contexts.cpu(), initial, axes


def correlation(vectors: WordVectors, pairs: list[similarity.RatedPair]) -> float:
    """Spearman's correlation of cosines and ratings."""
    said = vectors.similarity([(first, second) for first, second, _ in pairs])
    return float(spearmanr(said.numpy(), [rating for *_, rating in pairs]).statistic)
