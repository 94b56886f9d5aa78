"""Frozen features on a small task: word2vec, the LSTM's states, the biLM's layers and their mix, and counted words.

Critics' sentences about films, for or against. A sentence is the mean of its words' vectors, and a logistic regression
is all that learns. Each seed draws other labelled sentences and another test, and random weights for the control. What
holds the regression back is chosen, for each kind of vector and number of labels, on the same 500 sentences.

The learnt mix is `ElmoClassifier`, with the regression's own loss and penalty, and its gamma left at 1: the linear
layer above can make its vectors as large as it likes.

Budget of the full profile: fifteen minutes on one CPU thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from seq2bert import pretrained
from seq2bert.data import sentiment, wordpieces, words
from seq2bert.data.sentiment import Opinion
from seq2bert.elmo import BidirectionalLM, ElmoClassifier, ElmoConfig, frozen_representations
from seq2bert.evaluation.language import batches
from seq2bert.sequences import BOS_ID

DATA = ("movie-reviews", "wikipedia")
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C of the regression: the lower, the more it is held back
PENALTIES_OF_COUNTS = (0.1, 1.0, 10.0, 100.0)
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    labels: tuple[int, ...]  # how many labelled sentences; there are 6,530
    every: int = 1  # a step in the test and validation sentences; 1 takes them all


PROFILES = {"smoke": Settings(labels=(50,), every=20), "full": Settings(labels=(50, 200, 1_000, 6_530))}


# Sentences as vectors -------------------------------------------------------------------------------------------------


def means(texts: Sequence[str], layers_of: Callable[[Tensor], Tensor]) -> Tensor:
    """Each sentence's mean over its real positions: from a function of ids (B, T) to (B, T, L, D), (N, L, D)."""
    rows = wordpieces.encode(texts)
    found: list[Tensor] = [torch.empty(0)] * len(rows)
    for numbers, ids, mask in batches(rows):
        total = layers_of(ids).masked_fill(~mask[..., None, None], 0).sum(1)  # (B, L, D)
        for number, mean in zip(numbers, total / mask.sum(1)[:, None, None], strict=True):
            found[number] = mean
    return torch.stack(found)


@torch.no_grad()
def lstm_states(ids: Tensor) -> Tensor:
    """What chapter 02's model knows once it has read each token: (B, T) to (B, T, 1, H)."""
    model = pretrained.lstm()
    return model.recurrent(model.embedding(F.pad(ids, (1, 0), value=BOS_ID)))[0][:, 1:, None]


def word_vectors(texts: Sequence[str]) -> Tensor:
    """The mean of the word2vec vectors of each sentence's words; a sentence without any gets zeros. (N, 1, D)."""
    vectors = pretrained.word2vec()
    nothing = torch.zeros(vectors.vectors.size(1))
    known = ([vectors[word] for word in words.words(text) if word in vectors] for text in texts)
    return torch.stack([torch.stack(found).mean(0) if found else nothing for found in known])[:, None]


@cache
def trained() -> dict[str, Tensor]:
    """Vectors of all sentences that no seed changes: {name: (N, L, D)}, in the order of `sentiment.load`."""
    texts = sentiment.texts(sentiment.load())
    model = pretrained.elmo()
    return {
        "word2vec": word_vectors(texts),
        "LSTM": means(texts, lstm_states),
        "biLM": means(texts, lambda ids: frozen_representations(model, ids)),
    }


def untrained(seed: int) -> Tensor:
    """The same of a biLM with random weights."""
    torch.manual_seed(seed)
    model = BidirectionalLM(ElmoConfig(**vars(pretrained.elmo().config)))
    return means(sentiment.texts(sentiment.load()), lambda ids: frozen_representations(model, ids))


# Answers --------------------------------------------------------------------------------------------------------------

Part = tuple[Tensor, Tensor]  # vectors (N, L, D), and labels (N,)


def best_of(penalties: Sequence[float], fit: Callable[[float], tuple[float, Any]]) -> Any:
    """What `fit` brings along for the penalty with the best validation accuracy; the stronger one if two are equal."""
    return max((fit(penalty) for penalty in sorted(penalties)), key=lambda outcome: outcome[0])[1]


def scaled(parts: dict[str, Part]) -> dict[str, Part]:
    """Each dimension of each layer with mean 0 and standard deviation 1 over the training part."""
    vectors, _ = parts["train"]
    mean, std = vectors.mean(0), vectors.std(0).clamp(min=1e-6)  # (L, D) each
    return {name: ((x - mean) / std, labels) for name, (x, labels) in parts.items()}


def regression(examples: Sequence[tuple[Any, Sequence[int]]], penalties: Sequence[float] = PENALTIES) -> float:
    """Test accuracy of logistic regression: from vectors and labels of the three parts."""
    train, held_out, test = examples

    def fit(penalty: float) -> tuple[float, float]:
        model = LogisticRegression(C=penalty, max_iter=1000).fit(*train)
        return model.score(*held_out), model.score(*test)

    return best_of(penalties, fit)


def one_layer(parts: dict[str, Part], layer: int) -> float:
    """Test accuracy of the regression on one layer."""
    return regression([(x[:, layer].numpy(), y.numpy()) for x, y in (parts[name] for name in PARTS)])


def learnt_mix(parts: dict[str, Part], config: ElmoConfig) -> tuple[float, list[float]]:
    """Test accuracy of `ElmoClassifier`, trained until it stands still, and the layers' parts of its mix."""

    def fit(penalty: float) -> tuple[float, tuple[float, list[float]]]:
        model = minimise(config, parts["train"], penalty)
        with torch.no_grad():
            held_out, test = (
                (scores(model, x).argmax(-1) == y).float().mean().item() for x, y in (parts[n] for n in PARTS[1:])
            )
            return held_out, (test, model.mix.weights().tolist())

    return best_of(PENALTIES, fit)


def scores(model: ElmoClassifier, vectors: Tensor) -> Tensor:
    """The classifier's answers for sentences of one position, their mean: the mean of a mix is the mix of means."""
    return model(vectors[:, None], torch.ones(len(vectors), 1, dtype=torch.bool))  # (N, C)


def minimise(config: ElmoConfig, part: Part, penalty: float) -> ElmoClassifier:
    """A classifier at the minimum of sklearn's loss, C times the surprise plus half the square of its weights.

    Two rows of weights, one the other's negative, have half the square of sklearn's one row, their difference.
    """
    torch.manual_seed(0)
    model = ElmoClassifier(config, len(sentiment.LABELS))
    model.mix.gamma.requires_grad_(False)
    optimizer = torch.optim.LBFGS(
        [p for p in model.parameters() if p.requires_grad], max_iter=100, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        surprise = F.cross_entropy(scores(model, part[0]), part[1], reduction="sum")
        loss = (penalty * surprise + model.head.weight.square().sum()) / len(part[1])
        loss.backward()
        return loss

    optimizer.step(closure)
    return model


def counted_words(opinions: dict[str, Sequence[Opinion]], labels: dict[str, Tensor]) -> float:
    """Test accuracy of the regression on weighted counts of words and pairs of words."""
    counter = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(sentiment.texts(opinions["train"]))
    return regression(
        [(counter.transform(sentiment.texts(opinions[name])), labels[name].numpy()) for name in PARTS],
        PENALTIES_OF_COUNTS,
    )


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Accuracy on the test part of each kind of vector, by number of labels, and the mixes that were learnt."""
    config = pretrained.elmo().config
    vectors = trained() | {"untrained biLM": untrained(seed)}
    place = {opinion: i for i, opinion in enumerate(sentiment.load())}
    split = sentiment.split(seed)
    accuracy: dict[str, list[float]] = {}
    mixes = []
    for count in settings.labels:
        opinions = {name: split[name][:: settings.every] for name in PARTS} | {"train": split["train"][:count]}
        labels = {name: torch.tensor([opinion.label for opinion in part]) for name, part in opinions.items()}
        found = {"counted words": counted_words(opinions, labels)}
        for name, of_all in vectors.items():
            parts = scaled({part: (of_all[[place[o] for o in opinions[part]]], labels[part]) for part in PARTS})
            layers = of_all.size(1)
            if layers == 1:
                found[name] = one_layer(parts, 0)
                continue
            found |= {f"{name}, layer {layer}": one_layer(parts, layer) for layer in range(layers)}
            found[f"{name}, learnt mix"], mix = learnt_mix(parts, config)
            if name == "biLM":
                mixes.append(mix)
        for name, value in found.items():
            accuracy.setdefault(name, []).append(value)
        print(f"{count} labels: { ({name: round(value, 3) for name, value in found.items()}) }", flush=True)
    return {
        "metrics": {"accuracy": list(accuracy.values()), "mix": mixes},
        "axes": {"labels": list(settings.labels), "vectors": list(accuracy), "test_sentences": len(opinions["test"])},
    }
