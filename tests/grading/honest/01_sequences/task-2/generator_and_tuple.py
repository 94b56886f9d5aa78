# a generator yields the vocabulary, which is returned as a tuple; try and except in place of get
SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def words_of(sequences, min_count):
    yield from SPECIALS
    flat = [token for sequence in sequences for token in sequence]
    for token in sorted(set(flat)):
        if flat.count(token) >= min_count and not (token.startswith("<") and token in SPECIALS):
            yield token


def build_vocabulary(sequences, min_count=1):
    return tuple(words_of(sequences, min_count))


def encode(sequence, tokens):
    ids = {token: place for place, token in enumerate(tokens)}

    def number(token):
        try:
            return ids[token]
        except KeyError:
            return 3

    return [number(token) for token in sequence]
