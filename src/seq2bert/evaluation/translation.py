"""BLEU of lower-cased words, by sacreBLEU (Post, 2018), so that the figure can be had again elsewhere."""

from collections.abc import Sequence

from sacrebleu.metrics import BLEU

METRIC = BLEU(lowercase=True, force=True)  # cut by its own tokeniser, 13a; force: a full stop may stand apart


def bleu(hypotheses: Sequence[Sequence[str]], references: Sequence[str]) -> float:
    """BLEU in percent of a whole corpus (Papineni et al., 2002).

    Args:
        hypotheses: the words of each translation.
        references: what a person wrote, one sentence each, not tokenised.

    Raises:
        ValueError: the two lists differ in length or are empty.

    >>> bleu([["a", "dog", "runs", "fast", "."]], ["A dog runs fast."])
    100.0
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(
            f"need as many hypotheses as references, at least one; got {len(hypotheses)}, {len(references)}"
        )
    score = METRIC.corpus_score([" ".join(words) for words in hypotheses], [list(references)])
    return round(score.score, 6)


def signature() -> str:
    """How the figure was made, in sacreBLEU's own notation; known once something was scored."""
    return str(METRIC.get_signature())
