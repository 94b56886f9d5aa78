# a Counter over all tokens, and a dictionary with a default
from collections import Counter

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    counts = Counter(token for sequence in sequences for token in sequence)
    return SPECIALS + sorted(t for t in counts if counts[t] >= min_count and t not in SPECIALS)


def encode(sequence, tokens):
    ids = dict(zip(tokens, range(len(tokens))))
    return [ids.get(token, 3) for token in sequence]
