"""What the course ships: small, described, and as good as its card says."""

import json

import pytest
import torch

from seq2bert import pretrained
from seq2bert.data import corpus, g2p, wordpieces
from seq2bert.data.similarity import rated_pairs
from seq2bert.evaluation.language import perplexities, windows
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.word2vec import rank_correlation
from seq2bert.seq2seq import write
from seq2bert.sequences import EOS_ID
from seq2bert.word2vec import WordVectors


def test_checkpoints_are_small_and_have_a_card():
    files = list(pretrained.FOLDER.glob("*.safetensors"))
    assert files
    assert sum(path.stat().st_size for path in files) < 60e6
    for path in files:
        assert path.stat().st_size < 20e6
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert {"command", "metrics", "device", "wall_seconds", "data", "seed"} <= card.keys()


@pytest.mark.parametrize("name", ["g2p", "g2p_attention"])
def test_models_pronounce_as_their_cards_say(name):
    model, letters, phonemes = getattr(pretrained, name)()
    card = json.loads((pretrained.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    test = g2p.split()["test"][:1000]
    said = write(model, [entry.word for entry in test], letters, phonemes, 32)
    rates = error_rates(said, [entry.pronunciations for entry in test])
    assert abs(rates.per - card["metrics"]["greedy_per"]) < 0.01
    assert write(model, ["bank"], letters, phonemes, 32) == [["B", "AE", "NG", "K"]]


@pytest.mark.parametrize("name", ["lstm", "gpt"])
def test_language_models_are_as_good_on_reviews_as_their_cards_say_of_all_text(name):
    model = getattr(pretrained, name)()
    card = json.loads((pretrained.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    texts = corpus.split(corpus.reviews())["validation"][:40]
    rows = windows(wordpieces.encode(texts), 128, EOS_ID)
    found = perplexities(model, rows, sum(len(text.split()) for text in texts))
    assert 0.8 < found["perplexity"] / card["metrics"]["perplexity"] < 1.2
    film = wordpieces.encode(["this film is one of the best i have ever"])[0]
    logits, _ = model(torch.tensor([[1, *film]]))
    assert wordpieces.load().decode([int(logits[0, -1].argmax())]) == "seen"


def test_word_vectors_agree_with_people_as_their_card_says():
    vectors = pretrained.word2vec()
    card = json.loads((pretrained.FOLDER / "word2vec.json").read_text(encoding="utf-8"))
    assert len(vectors) == card["words"]
    assert vectors.words[0] == "the"
    for name, metric in (("simlex999", "simlex_ours"), ("wordsim353", "wordsim_ours")):
        correlation, _ = rank_correlation(vectors, rated_pairs(name))
        assert correlation == pytest.approx(card["metrics"][metric], abs=1e-3)  # half precision
        chance = WordVectors(vectors.words, torch.randn(len(vectors), 100, generator=torch.Generator().manual_seed(0)))
        assert correlation > rank_correlation(chance, rated_pairs(name))[0] + 0.15
    assert "horrible" in [word for word, _ in vectors.nearest("terrible")]
