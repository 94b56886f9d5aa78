"""Small checkpoints that the course ships, each made by one command and described by the card beside it."""

from pathlib import Path

from seq2bert.files import CourseError
from seq2bert.seq2seq import Seq2Seq, Seq2SeqConfig
from seq2bert.sequences import Vocabulary
from seq2bert.training.checkpoint import released_weights

FOLDER = Path(__file__).parent


def g2p() -> tuple[Seq2Seq, Vocabulary, Vocabulary]:
    """The encoder-decoder of chapter 03, trained on CMUdict: the model in evaluation mode, letters and phonemes.

    Made by `seq2bert run g2p --profile full`.

    Raises:
        CourseError: the checkpoint is not there.
    """
    path = FOLDER / "g2p.safetensors"
    if not path.exists():
        raise CourseError(f"the checkpoint {path} is missing; make it with: seq2bert run g2p --profile full")
    weights, card = released_weights(path)
    model = Seq2Seq(Seq2SeqConfig(**card["settings"]))
    model.load_state_dict(weights)
    return model.eval(), Vocabulary(tuple(card["letters"])), Vocabulary(tuple(card["phonemes"]))
