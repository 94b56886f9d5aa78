"""Learn the vocabulary of the ladder from the training part of the corpus, and see how it fits text it has not seen.

Budget of the full profile: two minutes on one CPU thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2bert.data import corpus, wordpieces

DATA = ("movie-reviews", "wikipedia")
RELEASES = (wordpieces.FILE,)


@dataclass(frozen=True)
class Settings:
    """All that decides a run; nothing is drawn, so every seed gives the same pieces."""

    documents: int | None  # of the training part; None = all
    size: int


PROFILES = {"smoke": Settings(documents=500, size=1000), "full": Settings(documents=None, size=wordpieces.SIZE)}


def run_seed(settings: Settings, seed: int, folder: Path) -> dict[str, Any]:
    """Pieces per word and the part of unknown ones, on the validation part."""
    pieces = wordpieces.train(corpus.documents("train")[: settings.documents], settings.size)
    (folder / wordpieces.FILE).write_text("\n".join(pieces) + "\n", encoding="utf-8")
    held_out = corpus.documents("validation")[: settings.documents]
    encodings = wordpieces.make_tokenizer(pieces).encode_batch_fast(list(held_out), add_special_tokens=False)
    tokens = [i for encoding in encodings for i in encoding.ids]
    words = sum(len(text.split()) for text in held_out)
    unknown = wordpieces.SPECIALS.index("[UNK]")
    return {
        "metrics": {
            "size": len(pieces),
            "pieces_per_word": len(tokens) / words,
            "unknown": tokens.count(unknown) / len(tokens),
        }
    }
