"""Small checkpoints that the course ships, each made by one command and described by the card beside it."""

from pathlib import Path
from typing import Any

from torch import Tensor

from seq2bert.attention import AttentionConfig, AttentionSeq2Seq
from seq2bert.files import CourseError
from seq2bert.gpt import GPT, GPTConfig
from seq2bert.recurrent import RecurrentLanguageModel, RecurrentLMConfig
from seq2bert.seq2seq import Seq2Seq, Seq2SeqConfig
from seq2bert.sequences import Vocabulary
from seq2bert.training.checkpoint import released_weights
from seq2bert.word2vec import WordVectors

FOLDER = Path(__file__).parent


def g2p() -> tuple[Seq2Seq, Vocabulary, Vocabulary]:
    """The encoder-decoder of chapter 03, trained on CMUdict: the model in evaluation mode, letters and phonemes.

    Made by `seq2bert run g2p --profile full`.

    Raises:
        CourseError: the checkpoint is not there.
    """
    weights, card = _released("g2p")
    model = Seq2Seq(Seq2SeqConfig(**card["settings"]))
    model.load_state_dict(weights)
    return model.eval(), Vocabulary(tuple(card["letters"])), Vocabulary(tuple(card["phonemes"]))


def g2p_attention() -> tuple[AttentionSeq2Seq, Vocabulary, Vocabulary]:
    """The same with a look back, chapter 04's: the model in evaluation mode, letters and phonemes.

    Made by `seq2bert run g2p_attention --profile full`.

    Raises:
        CourseError: the checkpoint is not there.
    """
    weights, card = _released("g2p_attention")
    model = AttentionSeq2Seq(AttentionConfig(**card["settings"]))
    model.load_state_dict(weights)
    return model.eval(), Vocabulary(tuple(card["letters"])), Vocabulary(tuple(card["phonemes"]))


def lstm() -> RecurrentLanguageModel:
    """The language model of chapter 02, trained on the course's corpus with the pieces of `data.wordpieces`.

    Made by `seq2bert run lstm --profile full --seeds 0`.

    Raises:
        CourseError: the checkpoint is not there.
    """
    weights, card = _released("lstm")
    model = RecurrentLanguageModel(RecurrentLMConfig(**card["settings"]))
    model.load_state_dict(weights)
    return model.eval()


def word2vec() -> WordVectors:
    """The word vectors of chapter 06, trained on the course's corpus; the most frequent word comes first.

    Made by `seq2bert run word2vec --profile full`.

    Raises:
        CourseError: the vectors are not there.
    """
    weights, _ = _released("word2vec")
    words = (FOLDER / "word2vec.txt").read_text(encoding="utf-8").splitlines()
    return WordVectors(words, weights["vectors"])


def gpt() -> GPT:
    """The causal Transformer of chapter 08, trained on the same pass over the corpus, with the same pieces.

    Made by `seq2bert run gpt --profile full --seeds 0`.

    Raises:
        CourseError: the checkpoint is not there.
    """
    weights, card = _released("gpt")
    model = GPT(GPTConfig(**card["settings"]))
    model.load_state_dict(weights)
    return model.eval()


def _released(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and card of a checkpoint."""
    path = FOLDER / f"{name}.safetensors"
    if not path.exists():
        raise CourseError(f"the checkpoint {path} is missing; make it with: seq2bert run {name} --profile full")
    return released_weights(path)
