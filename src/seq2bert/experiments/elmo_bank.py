"""Money or river? The sense of "bank" in its vector: that of each layer, each direction, and word2vec's one vector.

Sentences come in pairs that differ in one word, the clue, and in the sense of "bank". In half of the pairs the clue
stands before "bank", in half after it; everything else is the same, so nothing but the clue can tell the two apart.
They were written before any model had read them.

A vector is given the sense whose mean vector is more like it, by the cosine; the means are those of all other pairs, so
neither the sentence nor its twin takes part. A tie counts as half. Chance is one half, and how far a vector that knows
nothing strays from it is measured: the same with the senses of each pair dealt anew, many times.

Budget of the full profile: a minute on one CPU thread.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seq2bert import pretrained
from seq2bert.data import wordpieces, words
from seq2bert.elmo import BidirectionalLM, ElmoConfig, frozen_representations
from seq2bert.sequences import BOS_ID, pad
from seq2bert.word2vec import WordVectors

DATA = ("movie-reviews", "wikipedia")
SENSES = ("money", "river")
WORD = "bank"
# A frame and its two clues, money first; no clue is there twice.
BEFORE = (
    ("the {} left the bank in a hurry .", ("thief", "fisherman")),
    ("they found the {} at the bank .", ("money", "boat")),
    ("he {} from the bank .", ("borrowed", "swam")),
    ("the {} destroyed the bank .", ("robbery", "flood")),
    ("there was {} all over the bank .", ("cash", "grass")),
    ("we {} at the bank .", ("invested", "fished")),
    ("the {} in front of the bank were very old .", ("lawyers", "trees")),
    ("the {} came back to the bank .", ("clerks", "swans")),
    ("with his {} he went to the bank .", ("savings", "canoe")),
    ("the {} slept at the bank .", ("manager", "duck")),
    ("the {} slowly reached the bank .", ("payment", "current")),
    ("a {} was waiting at the bank .", ("cheque", "ferry")),
    ("her son was {} at the bank .", ("hired", "fishing")),
    ("a {} sat at the bank .", ("millionaire", "frog")),
    ("she needs her {} at the bank .", ("account", "raft")),
    ("the {} ran towards the bank .", ("robbers", "swimmers")),
    ("the {} was bad for the bank .", ("debt", "rain")),
    ("she {} the man at the bank .", ("paid", "rowed")),
    ("they took the {} to the bank .", ("gold", "fish")),
    ("the {} came near the bank .", ("customer", "crocodile")),
)
AFTER = (
    ("the bank was {} last night .", ("robbed", "flooded")),
    ("the bank of the {} was famous .", ("nation", "river")),
    ("the bank was full of {} .", ("dollars", "mud")),
    ("the bank had {} everywhere .", ("guards", "flowers")),
    ("the bank was good for {} .", ("business", "swimming")),
    ("at the bank a {} was sleeping .", ("cashier", "sailor")),
    ("at the bank he {} a lot .", ("earned", "sailed")),
    ("the bank where they {} is gone .", ("traded", "camped")),
    ("the bank was ruined by the {} .", ("crisis", "storm")),
    ("the bank by the {} is beautiful .", ("office", "stream")),
    ("near the bank we saw {} .", ("policemen", "birds")),
    ("the bank belongs to the {} .", ("company", "lake")),
    ("the bank was {} .", ("rich", "steep")),
    ("that bank has {} .", ("billions", "waves")),
    ("the bank with all its {} is beautiful .", ("employees", "plants")),
    ("the bank gave us {} every year .", ("credit", "salmon")),
    ("at the bank the {} was waiting .", ("accountant", "captain")),
    ("from the bank they took a {} .", ("loan", "swim")),
    ("the bank needs more {} .", ("investors", "sand")),
    ("at the bank there was a {} .", ("vault", "bridge")),
)
# How often has the corpus each sense? A rule, and no more: is there such a word within ten words?
NEAR = 10
WATER = re.compile("(river|stream|creek|lake|shore|water|boat|flood|swim|fish)(s|ed|ing)?")


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    preset: str  # the size of the model with random weights
    shuffles: int  # how often the senses are dealt anew


PROFILES = {"smoke": Settings("tiny", shuffles=20), "full": Settings("base", shuffles=1_000)}


def sentences() -> list[str]:
    """Two a pair, money first; the pairs with the clue before "bank", then those with the clue after it."""
    return [frame.format(clue) for frame, clues in (*BEFORE, *AFTER) for clue in clues]


def right(vectors: Tensor) -> Tensor:
    """Which vectors get their sense from the means of the other pairs?

    Args:
        vectors: (P, 2, D), a pair's vectors, money first.

    Returns:
        (P, 2): 1 = right, 0 = wrong, a half where both means are equally like the vector.
    """
    directions = F.normalize(vectors, dim=-1)  # (P, 2, D)
    means = F.normalize(directions.sum(0) - directions, dim=-1)  # (P, 2, D), of each sense, without the pair
    likeness = directions @ means.mT  # (P, 2, 2), of each vector to the mean of each sense
    own = likeness.diagonal(dim1=1, dim2=2)  # (P, 2)
    other = likeness.flip(-1).diagonal(dim1=1, dim2=2)  # (P, 2)
    return torch.where((own - other).abs() < 1e-9, 0.5, (own > other).double())


def deal_anew(vectors: Tensor, generator: torch.Generator) -> Tensor:
    """The same pairs (P, 2, D), of which about half have their senses swapped: what a vector finds by chance."""
    swap = torch.rand(len(vectors), generator=generator) < 0.5  # (P,)
    return torch.where(swap[:, None, None], vectors.flip(1), vectors)


def neighbours(vectors: WordVectors, text: str) -> Tensor:
    """The mean vector of the words around "bank": context without a language model, (D,)."""
    return torch.stack([vectors[word] for word in words.words(text) if word != WORD and word in vectors]).mean(0)


def all_vectors(preset: str, seed: int) -> dict[str, Tensor]:
    """Every kind of vector that is compared: {name: (2P, D)} in double precision, in the order of `sentences`."""
    texts = sentences()
    rows = wordpieces.encode(texts)
    bank = wordpieces.load().token_to_id(WORD)
    at_bank = torch.arange(len(rows)), torch.tensor([row.index(bank) for row in rows])
    ids, _ = pad(rows)
    torch.manual_seed(seed)
    untrained = BidirectionalLM(ElmoConfig.preset(preset, wordpieces.SIZE))
    lstm, static = pretrained.lstm(), pretrained.word2vec()
    with torch.no_grad():
        states, _ = lstm.recurrent(lstm.embedding(F.pad(ids, (1, 0), value=BOS_ID)))  # (2P, T+1, H)
    found = {
        "word2vec": static[WORD].expand(len(texts), -1),
        "word2vec, its neighbours": torch.stack([neighbours(static, text) for text in texts]),
        "LSTM of chapter 02": states[:, 1:][at_bank],
    }
    for name, model in (("untrained", untrained), ("biLM", pretrained.elmo())):
        layers = frozen_representations(model, ids)[at_bank]  # (2P, L+1, 2D)
        for depth, layer in enumerate(layers.unbind(1)):
            forward, backward = layer.chunk(2, -1)
            halves = {"both": layer, "forward": forward, "backward": backward}
            found |= {f"{name}, layer {depth}, {half}": vectors for half, vectors in halves.items()}
        found[f"{name}, mean of layers"] = layers.mean(1)
    return {name: vectors.double() for name, vectors in found.items()}


def in_the_corpus() -> dict[str, int]:
    """How often the training part has the word, and how often a word of water is near it."""
    times = by_water = 0
    for line in words.lines("train"):
        for place in (i for i, word in enumerate(line) if word == WORD):
            times += 1
            by_water += any(WATER.fullmatch(word) for word in line[max(0, place - NEAR) : place + NEAR + 1])
    return {"times": times, "by_water": by_water}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Accuracy of each kind of vector, by where the clue stands, with its spread and what chance does."""
    generator = torch.Generator().manual_seed(seed)
    found = all_vectors(settings.preset, seed)
    where = {"all": slice(None), "before": slice(0, len(BEFORE)), "after": slice(len(BEFORE), None)}
    metrics: dict[str, list[float]] = {
        f"{name}_{part}": [] for part in where for name in ("accuracy", "error", "chance", "chance_high")
    }
    for name, vectors in found.items():
        for part, places in where.items():
            pairs = vectors.unflatten(0, (-1, 2))[places]  # (P, 2, D)
            by_pair = right(pairs).mean(1)  # (P,)
            chance = torch.stack([right(deal_anew(pairs, generator)).mean() for _ in range(settings.shuffles)])
            metrics[f"accuracy_{part}"].append(by_pair.mean().item())
            metrics[f"error_{part}"].append((by_pair.std() / len(by_pair) ** 0.5).item())
            metrics[f"chance_{part}"].append(chance.mean().item())
            metrics[f"chance_high_{part}"].append(chance.quantile(0.95).item())
        print(f"{name}: {[round(metrics[f'accuracy_{part}'][-1], 3) for part in where]}", flush=True)
    return {
        "metrics": metrics,
        "axes": {"vectors": list(found), "pairs": {"before": len(BEFORE), "after": len(AFTER)}} | in_the_corpus(),
    }
