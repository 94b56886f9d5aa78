# sets: what is there, less the specials, less the rare
SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    flat = [token for sequence in sequences for token in sequence]
    rare = {token for token in set(flat) if flat.count(token) < min_count}
    return SPECIALS + sorted(set(flat) - set(SPECIALS) - rare)


def encode(sequence, tokens):
    known = set(tokens)
    return [tokens.index(token if token in known else SPECIALS[3]) for token in sequence]
