"""The ladder: every language model of the course on the same text, with the same pieces, by the same two measures.

Perplexity is that of the corpus's test part, in windows of 128 pieces, each read without what came before. BLiMP is the
mean over its 67 paradigms. The models are in the order of the course.

Budget of the full profile: fifteen minutes on one CPU thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from seq2bert import pretrained
from seq2bert.data import blimp, corpus, wordpieces
from seq2bert.evaluation.language import FULL_STOP, LanguageModel, minimal_pairs, perplexities, windows
from seq2bert.sequences import EOS_ID, KneserNeyModel, NGramModel

DATA = ("movie-reviews", "wikipedia", "blimp")
WINDOW = 128  # pieces

Rows = Sequence[Sequence[int]]
# Name on the page: how the model comes about, from rows of the training part.
MODELS: dict[str, Callable[[Rows], LanguageModel]] = {
    "unigram": lambda rows: NGramModel(1, wordpieces.SIZE).fit(rows),
    "trigram, add 0.01": lambda rows: NGramModel(3, wordpieces.SIZE, k=0.01).fit(rows),
    "bigram, Kneser-Ney": lambda rows: KneserNeyModel(2, wordpieces.SIZE).fit(rows),
    "trigram, Kneser-Ney": lambda rows: KneserNeyModel(3, wordpieces.SIZE).fit(rows),
    "5-gram, Kneser-Ney": lambda rows: KneserNeyModel(5, wordpieces.SIZE).fit(rows),
    "LSTM": lambda rows: pretrained.lstm(),  # has read them: `seq2bert run lstm`
    "GPT": lambda rows: pretrained.gpt(),  # `seq2bert run gpt`
}


@dataclass(frozen=True)
class Settings:
    """How much of everything: a step in the list of documents and pairs; 1 takes them all."""

    every: int


PROFILES = {"smoke": Settings(every=100), "full": Settings(every=1)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Each model's perplexities, and its accuracy on BLiMP: mean over paradigms, and by group."""
    pairs = blimp.load()[:: settings.every]  # first: it is the one that may be missing
    held_out = corpus.documents("test")[:: settings.every]
    words = sum(len(text.split()) for text in held_out)
    train, test = (
        windows(wordpieces.encode(texts), WINDOW, EOS_ID)
        for texts in (corpus.documents("train")[:: settings.every], held_out)
    )
    good, bad = (
        wordpieces.encode(f"{FULL_STOP} {sentence}" for sentence in sentences)
        for sentences in ([pair.good for pair in pairs], [pair.bad for pair in pairs])
    )
    group_of = {pair.paradigm: pair.group for pair in pairs}
    groups = sorted(set(group_of.values()))
    metrics: dict[str, list[float]] = {"perplexity": [], "word_perplexity": [], "blimp": []}
    by_paradigm = []
    for name, make in MODELS.items():
        model = make(train)
        for measure, value in perplexities(model, test, words, name).items():
            metrics[measure].append(value)
        accuracy = minimal_pairs(model, pairs, good, bad)
        metrics["blimp"].append(fmean(accuracy.values()))
        by_paradigm.append(accuracy)
        print(f"{name}: perplexity {metrics['perplexity'][-1]:.1f}, BLiMP {metrics['blimp'][-1]:.3f}", flush=True)
    for group in groups:
        metrics[f"blimp_{group}"] = [
            fmean(value for paradigm, value in found.items() if group_of[paradigm] == group) for found in by_paradigm
        ]
    return {
        "metrics": metrics,
        "examples": {"paradigms": {name: [found[name] for found in by_paradigm] for name in group_of}},
        "axes": {"models": list(MODELS), "groups": groups, "test_words": words, "pairs": len(pairs)},
    }
