"""The ladder's vocabulary."""

from seq2bert.data import wordpieces
from seq2bert.sequences import BOS_ID, EOS_ID, PAD_ID, UNK_ID


def test_the_special_ids_are_those_of_the_course():
    tokenizer = wordpieces.load()
    assert [tokenizer.token_to_id(name) for name in ("[PAD]", "[CLS]", "[SEP]", "[UNK]")] == [
        PAD_ID,
        BOS_ID,
        EOS_ID,
        UNK_ID,
    ]
    assert tokenizer.get_vocab_size() == wordpieces.SIZE
    assert tokenizer.token_to_id("[MASK]") == 4


def test_every_word_is_found_in_pieces():
    [ids] = wordpieces.encode(["Griezmann’s announcement comes as a bit of a SHOCK, naïvely."])
    assert UNK_ID not in ids
    assert wordpieces.load().decode(ids) == "griezmann ’ s announcement comes as a bit of a shock, naively."


def test_two_trainings_give_the_same_pieces():
    texts = [f"{a}{b} {b}{c} {a}" for a in "abcde" for b in "fghij" for c in "klmno"]
    first = wordpieces.train(texts, 60)
    assert first == wordpieces.train(texts, 60)
    assert first[:5] == list(wordpieces.SPECIALS)
    assert len(first) == 60
