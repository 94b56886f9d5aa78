# defaultdicts: one counts, one gives the unknown their id
from collections import defaultdict
from itertools import chain

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    seen = defaultdict(int)
    for token in chain.from_iterable(sequences):
        seen[token] += 1
    for special in SPECIALS:
        seen.pop(special, None)
    return [*SPECIALS, *sorted(token for token, n in seen.items() if n >= min_count)]


def encode(sequence, tokens):
    table = defaultdict(lambda: 3)
    table.update((token, i) for i, token in enumerate(tokens))
    return [table[token] for token in sequence]
