# sorted and grouped, so that equal tokens stand side by side
from itertools import chain, groupby

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    vocabulary = list(SPECIALS)
    for token, run in groupby(sorted(chain(*sequences))):
        if token not in SPECIALS and sum(1 for _ in run) >= min_count:
            vocabulary.append(token)
    return vocabulary


def encode(sequence, tokens):
    places = {}
    for place, token in enumerate(tokens):
        places[token] = place
    return list(map(lambda token: places.get(token, places["<unk>"]), sequence))
