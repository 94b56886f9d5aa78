"""BLEU is sacreBLEU's, and splitting words off their marks costs nothing."""

import pytest
import sacrebleu

from seq2bert.data.multi30k import tokenise
from seq2bert.evaluation.translation import bleu, signature

REFERENCES = ["A man in an orange hat, staring at something.", "A dog's owner isn't here.", "T-shirts for sale!"]


def test_our_own_words_of_a_sentence_are_the_sentence():
    assert bleu([tokenise(line) for line in REFERENCES], REFERENCES) == pytest.approx(100, abs=2)


def test_it_is_sacrebleus_of_lower_case():
    written = [line.lower().replace("man", "woman").split() for line in REFERENCES]
    expected = sacrebleu.corpus_bleu([" ".join(words) for words in written], [REFERENCES], lowercase=True).score
    assert bleu(written, REFERENCES) == pytest.approx(expected, abs=1e-5)
    assert 0 < expected < 100
    assert signature().startswith("nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2.")


@pytest.mark.parametrize(("hypotheses", "references"), [([], []), ([["a"]], ["a", "b"])])
def test_lists_that_do_not_fit_are_refused(hypotheses, references):
    with pytest.raises(ValueError, match="need as many hypotheses as references, at least one"):
        bleu(hypotheses, references)
