# bisect keeps the tokens sorted while they are found; to encode, the vocabulary is sorted anew with its places
from bisect import bisect_left, insort

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


def build_vocabulary(sequences, min_count=1):
    counts, words = {token: 0 for token in SPECIALS}, []
    for sequence in sequences:
        for token in sequence:
            if token not in counts:
                insort(words, token)
            counts[token] = counts.get(token, 0) + 1
    return SPECIALS + [word for word in words if counts[word] >= min_count]


def encode(sequence, tokens):
    order = sorted((token, place) for place, token in enumerate(tokens))
    keys = [token for token, _ in order]
    ids = []
    for token in sequence:
        i = bisect_left(keys, token)
        ids.append(order[i][1] if i < len(keys) and keys[i] == token else 3)
    return ids
