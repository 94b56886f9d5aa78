"""G5: word vectors from the course's corpus on one thread, ours against gensim's.

Usage: python -m tests.benchmarks.bench_word2vec [--rounds N] [--epochs N] [--every N]

Both are given the same lists of words and the same settings, and both are timed from there to the finished vectors:
counting the vocabulary and looking the words up counts on both sides. The vectors must be equally good: the loss of the
same pairs of text that neither has seen, with the same negatives, may be at most 0.5 % above gensim's, on average over
the rounds, each of which has a seed of its own. One process holds both; each round's order is the reverse of the last.
"""

import argparse
import os
import statistics
import sys
import time

import torch

from seq2bert.data import words
from seq2bert.experiments.word2vec import held_out, tables_of, train_gensim
from seq2bert.word2vec import Word2VecConfig, WordCounts, train_skip_gram
from tests.benchmarks.harness import conclude, interleave

GOAL = 2.0
WORSE = 1.005  # times gensim's held-out loss
FULL = {"rounds": 5, "epochs": 2}


def main():
    parser = argparse.ArgumentParser(prog="bench_word2vec", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=FULL["rounds"])
    parser.add_argument("--epochs", type=int, default=FULL["epochs"])
    parser.add_argument("--every", type=int, default=1, help="a step in the list of lines; 1 takes them all")
    asked = vars(parser.parse_args())
    if os.getloadavg()[0] > 0.5:
        print("something else is running on this computer: the figures will be rough", file=sys.stderr)
    torch.set_num_threads(1)
    full = asked["every"] == 1 and all(asked[name] >= least for name, least in FULL.items())
    return compare(asked, full)


def compare(asked, full):
    """Measure; print the line and write the record."""
    training = Training(asked["epochs"], asked["every"])
    costs = interleave(asked["rounds"], {"ours": training.ours, "peer": training.peer})
    losses = {name: statistics.fmean(found) for name, found in training.losses.items()}
    read = training.words * asked["epochs"]
    settings = {
        **asked,
        **{
            name: getattr(training.config, name)
            for name in ("width", "window", "negatives", "min_count", "subsample", "learning_rate")
        },
        "held_out_loss": losses,
        "words_per_second": {name: round(read / statistics.median(seconds)) for name, seconds in costs.items()},
    }
    what = "word vectors by skip-gram with negative sampling, CPU time of gensim by that of our blocks"
    gates = {"held-out loss at most 0.5 % above": losses["ours"] <= WORSE * losses["peer"]}
    return conclude("G5", what, GOAL, costs, gates, settings, full)


class Training:
    """The text, and how either program learns from it: CPU seconds of a round, and the loss that it reached."""

    def __init__(self, epochs, every):
        self.text = words.lines("train")[::every]
        self.words = sum(map(len, self.text))
        self.config = Word2VecConfig.preset("base", epochs=epochs)
        self.counted = WordCounts.build(self.text, self.config.min_count)
        unseen = self.counted.encode(words.lines("validation")[::every])
        self.pairs = held_out(unseen, self.counted.counts, self.config)
        self.losses = {"ours": [], "peer": []}

    def ours(self, number):
        started = time.process_time()
        counted = WordCounts.build(self.text, self.config.min_count)
        generator = torch.Generator().manual_seed(number)
        model = train_skip_gram(counted.encode(self.text), counted.counts, self.config, generator, progress=False)
        seconds = time.process_time() - started
        self.losses["ours"].append(model.loss(*self.pairs))
        return seconds

    def peer(self, number):
        started = time.process_time()
        model = train_gensim(self.text, self.config, number)
        seconds = time.process_time() - started
        self.losses["peer"].append(tables_of(model, self.counted.words).loss(*self.pairs))
        return seconds


if __name__ == "__main__":
    sys.exit(not main())
