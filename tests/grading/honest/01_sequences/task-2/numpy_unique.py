# numpy sorts and counts at once; ids are numpy's whole numbers
import numpy as np

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    flat = np.array([token for sequence in sequences for token in sequence])
    tokens, counts = np.unique(flat, return_counts=True)
    return SPECIALS + [str(t) for t in tokens[counts >= min_count] if t not in SPECIALS]


def encode(sequence, tokens):
    order = {token: np.int64(i) for i, token in enumerate(tokens)}
    return [order.get(token, np.int64(3)) for token in sequence]
