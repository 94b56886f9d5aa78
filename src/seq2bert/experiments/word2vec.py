"""Word vectors from the corpus: ours, gensim's with the same settings, those of a counter, and vectors of chance.

The loss is that of pairs from the validation part, drawn as in training; both programs are asked the same pairs with
the same negatives. What the vectors know is asked of SimLex-999, WordSim-353 and the analogies; a question with a word
that is not in the vocabulary is not asked. Budget of the full profile: seven minutes a seed on one CPU thread.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.stats import spearmanr
from torch import Tensor

from seq2bert.data import similarity, words
from seq2bert.data.similarity import Analogy, RatedPair
from seq2bert.training.checkpoint import release_weights
from seq2bert.word2vec import (
    SkipGram,
    Word2VecConfig,
    WordCounts,
    WordVectors,
    draw_negatives,
    draw_reach,
    keep_probabilities,
    negative_probabilities,
    skip_gram_pairs,
    train_skip_gram,
)

DATA = ("movie-reviews", "wikipedia", "simlex999", "wordsim353", "analogies")
RELEASES = ("word2vec.safetensors", "word2vec.txt")  # become seq2bert.pretrained.word2vec
ASKED = ("bank", "river", "money", "film", "good", "terrible", "she", "france", "walked", "two")
BESIDE_BANK = ("money", "robbers", "account", "river", "shore", "valley")


@dataclass(frozen=True)
class Settings:
    """All that decides a run apart from its seed."""

    preset: str
    epochs: int
    every: int  # a step in the list of lines; 1 takes them all


PROFILES = {
    "smoke": Settings("small", epochs=2, every=100),
    "full": Settings("base", epochs=5, every=1),
}


def held_out(
    sentences: Sequence[Sequence[int]], counts: Tensor, config: Word2VecConfig, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Pairs of a text that was not trained on, thinned out and with windows as in training, and their negatives.

    Returns:
        (P, 2) and (P, K).
    """
    generator = torch.Generator().manual_seed(seed)
    keep = keep_probabilities(counts, config.subsample)
    pairs = []
    for ids in map(torch.tensor, filter(None, sentences)):
        ids = ids[torch.rand(len(ids), generator=generator) < keep[ids]]
        pairs.append(skip_gram_pairs(ids, draw_reach(len(ids), config.window, generator)))
    found = torch.cat(pairs)
    return found, draw_negatives(negative_probabilities(counts), (len(found), config.negatives), generator)


def train_gensim(lines: Sequence[list[str]], config: Word2VecConfig, seed: int):
    """gensim's skip-gram on one thread, with the settings of a configuration."""
    from gensim.models import Word2Vec  # takes a second

    return Word2Vec(
        lines,
        sg=1,
        hs=0,
        workers=1,
        vector_size=config.width,
        window=config.window,
        negative=config.negatives,
        min_count=config.min_count,
        sample=config.subsample,
        epochs=config.epochs,
        alpha=config.learning_rate,
        min_alpha=config.final_learning_rate,
        seed=seed + 1,
    )


def tables_of(theirs, words: Sequence[str]) -> SkipGram:
    """The two tables of a model of gensim's, with rows in the order of the given words."""
    rows = [theirs.wv.key_to_index[word] for word in words]
    return SkipGram(torch.from_numpy(theirs.wv.vectors[rows]), torch.from_numpy(theirs.syn1neg[rows]))


def count_vectors(sentences: Sequence[Sequence[int]], vocab_size: int, config: Word2VecConfig, seed: int) -> Tensor:
    """Vectors without a network: the positive pointwise mutual information of words and neighbours, made D wide.

    max(0, log p(w, c) / (p(w) p(c)^(3/4))), of which the D largest singular vectors are taken, each times the root of
    its singular value (Levy and Goldberg, 2014; Levy et al., 2015). A neighbour counts as often as word2vec's windows
    would take it on average, and contexts are smoothed as its negatives are.

    Returns:
        (V, D).
    """
    ids = np.concatenate([np.array(sentence, dtype=np.int64) for sentence in sentences])
    of = np.repeat(np.arange(len(sentences)), [len(sentence) for sentence in sentences])
    shape = (vocab_size, vocab_size)
    seen = sparse.csr_matrix(shape, dtype=np.float32)
    for distance in range(1, config.window + 1):
        same = of[:-distance] == of[distance:]
        share = np.full(same.sum(), (config.window - distance + 1) / config.window, dtype=np.float32)
        seen += sparse.csr_matrix((share, (ids[:-distance][same], ids[distance:][same])), shape)
    seen = (seen + seen.T).tocoo()
    of_word = np.asarray(seen.sum(1)).ravel()
    of_context = of_word**0.75 / (of_word**0.75).sum()
    information = np.log(seen.data / (of_word[seen.row] * of_context[seen.col]))
    positive = information > 0
    matrix = sparse.csr_matrix((information[positive], (seen.row[positive], seen.col[positive])), shape)
    start = np.random.default_rng(seed).standard_normal(vocab_size)
    left, values, _ = sparse.linalg.svds(matrix.astype(np.float32), k=config.width, v0=start.astype(np.float32))
    return torch.from_numpy(left * np.sqrt(values)).float()


def rank_correlation(vectors: WordVectors, pairs: Sequence[RatedPair]) -> tuple[float, int]:
    """Spearman's correlation of cosines and ratings, and how many of the pairs were asked."""
    known = [pair for pair in pairs if pair[0] in vectors and pair[1] in vectors]
    cosines = vectors.similarity([(first, second) for first, second, _ in known])
    return float(spearmanr(cosines.numpy(), [rating for _, _, rating in known]).statistic), len(known)


def answer(vectors: WordVectors, questions: dict[str, Sequence[Analogy]]) -> dict[str, tuple[int, int]]:
    """For each category how many analogies were right, and how many were asked."""
    outcome = {}
    for category, asked in questions.items():
        known = [question for question in asked if all(word in vectors for word in question)]
        said = vectors.analogy([question[:3] for question in known]) if known else []
        outcome[category] = (sum(a == d for a, (*_, d) in zip(said, known, strict=True)), len(known))
    return outcome


def share(outcome: dict[str, tuple[int, int]], categories: Sequence[str]) -> float:
    """The right answers among those asked in some categories."""
    right, asked = (sum(numbers) for numbers in zip(*(outcome[category] for category in categories), strict=True))
    return right / max(1, asked)


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Make the four kinds of vectors from the same text, and ask all of them the same."""
    train, validation = (words.lines(part)[:: settings.every] for part in ("train", "validation"))
    config = Word2VecConfig.preset(settings.preset, epochs=settings.epochs)
    metrics: dict[str, Any] = {}

    started = time.process_time()
    counted = WordCounts.build(train, config.min_count)
    sentences = counted.encode(train)
    ours = train_skip_gram(sentences, counted.counts, config, torch.Generator().manual_seed(seed))
    metrics["cpu_seconds_ours"] = time.process_time() - started
    started = time.process_time()
    theirs = tables_of(train_gensim(train, config, seed), counted.words)
    metrics["cpu_seconds_gensim"] = time.process_time() - started
    started = time.process_time()
    counter = count_vectors(sentences, len(counted), config, seed)
    metrics["cpu_seconds_counts"] = time.process_time() - started

    pairs, negatives = held_out(counted.encode(validation), counted.counts, config)
    generator = torch.Generator().manual_seed(seed)
    untrained = SkipGram.initial(len(counted), config.width, generator)
    for name, model in {"ours": ours, "gensim": theirs, "untrained": untrained}.items():
        metrics[f"loss_{name}"] = model.loss(pairs, negatives)

    kinds = {"ours": ours.centres, "gensim": theirs.centres, "counts": counter, "random": untrained.centres}
    kinds = {name: WordVectors(counted.words, table) for name, table in kinds.items()}
    questions = similarity.analogies()
    grammar = [category for category in questions if category not in similarity.SEMANTIC]
    for name, vectors in kinds.items():
        metrics[f"simlex_{name}"], simlex_pairs = rank_correlation(vectors, similarity.rated_pairs("simlex999"))
        metrics[f"wordsim_{name}"], wordsim_pairs = rank_correlation(vectors, similarity.rated_pairs("wordsim353"))
        outcome = answer(vectors, questions)
        metrics[f"semantic_{name}"] = share(outcome, similarity.SEMANTIC)
        metrics[f"syntactic_{name}"] = share(outcome, grammar)
        metrics[f"analogies_{name}"] = [share(outcome, [category]) for category in questions]
    known = [word for word in BESIDE_BANK if word in counted.ids]
    for name in ("ours", "gensim", "counts"):
        metrics[f"bank_{name}"] = kinds[name].similarity([("bank", word) for word in known]).tolist()

    release_weights(
        folder / RELEASES[0], {"vectors": ours.centres}, {"settings": vars(config), "words": len(counted), "seed": seed}
    )
    (folder / RELEASES[1]).write_text("\n".join(counted.words) + "\n", encoding="utf-8")
    return {
        "metrics": metrics,
        "axes": {
            "settings": vars(config),
            "words": sum(map(len, train)),
            "vocabulary": len(counted),
            "held_out_pairs": len(pairs),
            "simlex_pairs": simlex_pairs,
            "wordsim_pairs": wordsim_pairs,
            "categories": list(questions),
            "questions": [len(asked) for asked in questions.values()],
            "asked": [asked for _, asked in outcome.values()],
            "beside_bank": known,
        },
        "examples": {
            word: {name: kinds[name].nearest(word) for name in ("ours", "gensim", "counts")}
            for word in ASKED
            if word in counted.ids
        },
    }
