# list.index, slow and right
SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    flat = []
    for sequence in sequences:
        flat = flat + sequence
    kept = []
    for token in flat:
        if token not in kept and token not in SPECIALS and flat.count(token) >= min_count:
            kept.append(token)
    kept.sort()
    return SPECIALS + kept


def encode(sequence, tokens):
    ids = []
    for token in sequence:
        try:
            ids.append(tokens.index(token))
        except ValueError:
            ids.append(tokens.index("<unk>"))
    return ids
