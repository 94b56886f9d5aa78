"""The vocabulary that the ladder's models share: 8,192 pieces of words, learnt from the corpus.

No word is unknown, since every word falls into pieces, and every model hesitates among the same pieces, so their
perplexities can be compared. Chapter 09 builds such a tokenizer from nothing; until then the one of the package
`tokenizers` does the work, with the rules of BERT's uncased models.

The special tokens have BERT's names. Their ids are those of the course's other vocabularies: [CLS] is where a sequence
begins, [SEP] where it ends.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from seq2bert.files import CourseError

SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
SIZE = 8192
FILE = "wordpieces.txt"
PATH = Path(__file__).parents[1] / "pretrained" / FILE


def make_tokenizer(pieces: Iterable[str] = SPECIALS) -> Tokenizer:
    """A tokenizer with the given pieces, in the order of their ids: lower case, no accents, greedy longest match."""
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def train(texts: Iterable[str], size: int = SIZE) -> list[str]:
    """Learn pieces from texts; returns them in the order of their ids: specials, then the alphabet's order.

    The trainer numbers equally frequent pieces differently in every run, and finds the same ones: hence the order.
    """
    tokenizer = make_tokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(SPECIALS), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return [*SPECIALS, *sorted(tokenizer.get_vocab().keys() - set(SPECIALS))]


@cache
def load() -> Tokenizer:
    """The tokenizer of the course's language models.

    Raises:
        CourseError: its file is missing.

    >>> load().encode("Griezmann scored.").tokens
    ['gri', '##ez', '##mann', 'score', '##d', '.']
    """
    if not PATH.exists():
        raise CourseError(f"{PATH} is missing; make it with: seq2bert run wordpieces --profile full --seeds 0")
    return make_tokenizer(PATH.read_text(encoding="utf-8").splitlines())


def encode(texts: Iterable[str]) -> list[list[int]]:
    """Ids of the pieces of each text, without special tokens."""
    return [encoding.ids for encoding in load().encode_batch_fast(list(texts), add_special_tokens=False)]
