"""Windows and draws; the gradient against autograd; a block against its pairs; the answers against gensim's."""

import pytest
import torch

from seq2bert.word2vec import (
    SkipGram,
    Word2VecConfig,
    block_gradients,
    descend,
    epoch_of_blocks,
    negative_sampling_gradients,
    negative_sampling_loss,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_model(vocab_size, width, seed=0):
    g = generator(seed)
    return SkipGram(torch.randn(vocab_size, width, generator=g), torch.randn(vocab_size, width, generator=g))


@pytest.mark.parametrize(("pairs", "negatives", "width"), [(1, 1, 1), (5, 3, 8), (40, 10, 100)])
def test_the_closed_form_is_the_gradient(pairs, negatives, width):
    g = generator(pairs)
    vectors = [
        torch.randn(shape, generator=g, requires_grad=True)
        for shape in [(pairs, width), (pairs, width), (pairs, negatives, width)]
    ]
    negative_sampling_loss(*vectors).sum().backward()
    for ours, vector in zip(negative_sampling_gradients(*vectors), vectors, strict=True):
        torch.testing.assert_close(ours, vector.grad)


@pytest.mark.parametrize(
    ("window", "block", "row", "shared"), [(1, 4, 4, 1), (3, 12, 4, 7), (5, 20, 5, 30), (2, 6, 1, 5)]
)
def test_a_block_is_the_sum_of_its_pairs(window, block, row, shared):
    config = Word2VecConfig.preset(
        "tiny", window=window, block=block, row=row, shared=shared, negatives=4, subsample=1.0
    )
    vocab = 9
    ids = torch.randint(vocab, (50,), generator=generator(1))
    sentences = torch.tensor([0] * 3 + [1] * 20 + [3] * 1 + [4] * 26)
    blocks = list(epoch_of_blocks(ids, sentences, torch.full((vocab,), 50), config, generator(2)))
    assert sum((b.left + b.right > 0).sum() for b in blocks) == 49  # all but the word that is alone
    for b in blocks:
        model = random_model(vocab, 6)
        centres, contexts = (table.clone().requires_grad_() for table in (model.centres, model.contexts))
        loss = torch.zeros(())
        for place, (left, right) in enumerate(zip(b.left.flatten(), b.right.flatten(), strict=True)):
            own = place + window
            for other in [*range(own - left, own), *range(own + 1, own + right + 1)]:
                centre, context = centres[b.ids[own]], contexts[b.ids[other]]
                drawn = contexts[b.negatives]
                positive = -torch.nn.functional.logsigmoid(centre @ context)
                loss = (
                    loss + positive - config.negatives / shared * torch.nn.functional.logsigmoid(-drawn @ centre).sum()
                )
        if loss.requires_grad:
            loss.backward()
            before = SkipGram(model.centres.clone(), model.contexts.clone())
            descend(model, b, block_gradients(model, b, config.negatives), 0.1)
            torch.testing.assert_close(model.centres, before.centres - 0.1 * centres.grad)
            torch.testing.assert_close(model.contexts, before.contexts - 0.1 * contexts.grad)
