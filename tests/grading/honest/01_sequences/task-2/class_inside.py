# a class of the learner's own does both
SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]  # their ids are 0, 1, 2 and 3


class Vocab:
    def __init__(self, tokens):
        self.tokens = list(tokens)
        self.places = {token: i for i, token in enumerate(self.tokens)}

    @classmethod
    def from_text(cls, text, at_least):
        counts = {}
        for line in text:
            for token in line:
                counts.setdefault(token, 0)
                counts[token] += 1
        words = [t for t, n in counts.items() if not n < at_least]
        return cls(SPECIALS + sorted(set(words).difference(SPECIALS)))

    def __getitem__(self, token):
        return self.places[token] if token in self.places else self.places["<unk>"]


def build_vocabulary(sequences, min_count=1):
    return Vocab.from_text(sequences, min_count).tokens


def encode(sequence, tokens):
    vocab = Vocab(tokens)
    return [vocab[token] for token in sequence]
