# ids come out of a tensor, one number each; counts by merging Counters with a progress bar
from collections import Counter

import torch
from tqdm.auto import tqdm

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    counts = Counter()
    for sequence in tqdm(sequences, leave=False):
        counts.update(sequence)
    kept = filter(lambda token: counts[token] >= min_count, counts.keys() - set(SPECIALS))
    return SPECIALS + sorted(kept)


def encode(sequence, tokens):
    ids = torch.full((len(sequence),), 3)
    for i, token in enumerate(sequence):
        if token in tokens:
            ids[i] = tokens.index(token)
    return ids.tolist()
