"""PER and WER against jiwer where it can say something, and by hand where it cannot."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2bert.evaluation.pronunciation import error_rates, nearest

SAID = st.lists(st.sampled_from(["AA", "B", "IY", "K", "S"]), min_size=1, max_size=7)


@given(st.lists(st.tuples(SAID, SAID), min_size=1, max_size=6))
def test_with_one_pronunciation_each_it_is_jiwer(pairs):
    hypotheses, references = zip(*pairs, strict=True)
    rates = error_rates(hypotheses, [[reference] for reference in references])
    expected = jiwer.wer([" ".join(r) for r in references], [" ".join(h) for h in hypotheses])
    assert rates.per == pytest.approx(expected)
    assert rates.wer == sum(h != r for h, r in pairs) / len(pairs)


@given(SAID, st.lists(SAID, min_size=1, max_size=4))
def test_another_right_pronunciation_never_adds_edits(said, ways):
    assert nearest(said, ways)[0] == min(nearest(said, [way])[0] for way in ways)
    assert nearest(said, [*ways, said]) == (0, len(said))


def test_on_a_tie_the_longer_reference_counts():
    assert nearest(["AA"], [["B"], ["AA", "B"]]) == (1, 2)


@pytest.mark.parametrize(("hypotheses", "references"), [([], []), ([["AA"]], []), ([["AA"]], [[]])])
def test_what_cannot_be_scored_is_refused(hypotheses, references):
    with pytest.raises(ValueError, match=r"hypotheses|references"):
        error_rates(hypotheses, references)
