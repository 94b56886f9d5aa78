# type hints and early returns
from collections.abc import Iterable

SPECIALS: list[str] = ["<pad>", "<bos>", "<eos>", "<unk>"]


def count(sequences: Iterable[Iterable[str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sequence in sequences:
        for token in sequence:
            counts[token] = counts.get(token, 0) + 1
    return counts


def build_vocabulary(sequences: list[list[str]], min_count: int = 1) -> list[str]:
    counts = count(sequences)
    return SPECIALS + [token for token in sorted(counts) if token not in SPECIALS and counts[token] >= min_count]


def encode(sequence: list[str], tokens: list[str]) -> list[int]:
    if not sequence:
        return []
    ids: dict[str, int] = {token: i for i, token in enumerate(tokens)}
    return [ids[token] if token in ids else 3 for token in sequence]
