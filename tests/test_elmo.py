"""Two readers that never see each other, padding that must not matter, the mix, frozen features, and learning."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seq2bert.elmo import (
    BidirectionalLM,
    ElmoClassifier,
    ElmoConfig,
    ScalarMix,
    bidirectional_loss,
    frozen_representations,
)
from seq2bert.evaluation.language import log_likelihoods
from seq2bert.sequences import BOS_ID, PAD_ID
from seq2bert.training.loop import TrainingConfig, train

VOCAB = 30


def biLM(seed=0, **changes):
    torch.manual_seed(seed)
    return BidirectionalLM(ElmoConfig.preset("tiny", VOCAB, **changes))


def draw_ids(rows, length, seed=0):
    return torch.randint(4, VOCAB, (rows, length), generator=torch.Generator().manual_seed(seed))


def halves(layers):
    """The forward and the backward half of representations (B, T, L+1, 2D)."""
    return layers.chunk(2, -1)


def felt(parameter):
    """Has a gradient reached it?"""
    return parameter.grad is not None and bool(parameter.grad.any())


def as_torch(reader):
    """torch's LSTMs, one for each layer of a reader, with its weights."""
    for layer in reader.layers:
        (cell,) = layer.layers
        twin = nn.LSTM(cell.weight_ih.size(1), cell.hidden_size, batch_first=True)
        twin.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
        yield twin


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("width", [4, 32])
def test_the_formula_counts_the_parameters(layers, width):
    model = biLM(num_layers=layers, width=width)
    assert sum(p.numel() for p in model.parameters()) == model.config.num_parameters()


def test_the_ladders_model_has_the_size_that_the_page_says():
    assert ElmoConfig.preset("base", 8192).num_parameters() == 8192 * 257 + 4 * (4 * 256 * (512 + 2))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_no_direction_sees_what_the_other_reads(layers):
    model, ids = biLM(num_layers=layers), draw_ids(3, 9)
    changed = ids.clone()
    changed[:, 4] = (ids[:, 4] - 4 + 1) % (VOCAB - 4) + 4
    right, left = halves(model.representations(ids))
    new_right, new_left = halves(model.representations(changed))
    assert torch.equal(right[:, :4], new_right[:, :4])  # in every layer, bit by bit
    assert torch.equal(left[:, 5:], new_left[:, 5:])
    for depth in range(1, layers + 1):  # and everything else does feel it
        assert (right[:, 4:, depth] != new_right[:, 4:, depth]).any(-1).all()
        assert (left[:, :5, depth] != new_left[:, :5, depth]).any(-1).all()


def test_no_gradient_flows_from_one_direction_into_the_other():
    model, ids = biLM(), draw_ids(2, 7)
    right, left = halves(model.representations(ids)[:, :, 1:])
    right.sum().backward(retain_graph=True)
    assert not any(felt(p) for p in model.backwards.parameters())
    assert all(felt(p) for p in model.forwards.parameters())
    model.zero_grad(set_to_none=True)
    left.sum().backward()
    assert not any(felt(p) for p in model.forwards.parameters())
    assert all(felt(p) for p in model.backwards.parameters())


def test_gradients_reach_only_the_tokens_that_a_direction_has_read():
    model = biLM()
    ids = torch.arange(4, 13).unsqueeze(0)  # no token twice
    right, left = halves(model.representations(ids)[:, :, 1:])
    for half, seen in ((right, ids[0, :5]), (left, ids[0, 4:])):
        model.zero_grad()
        half[0, 4].sum().backward(retain_graph=True)
        reached = model.embedding.weight.grad.any(-1).nonzero().flatten().tolist()
        assert reached == sorted([BOS_ID, *seen.tolist()])


def test_a_token_is_guessed_from_one_side_alone():
    model, ids = biLM(), draw_ids(2, 8)
    before = model(ids)  # (2, B, T, D)
    for place in range(8):
        changed = ids.clone()
        changed[:, place] = 29 - ids[:, place] + 4
        after = model(changed)
        assert torch.equal(before[0, :, : place + 1], after[0, :, : place + 1])
        assert torch.equal(before[1, :, place:], after[1, :, place:])


@pytest.mark.parametrize("layers", [1, 2])
def test_padding_does_not_matter(layers):
    model = biLM(num_layers=layers)
    rows = [draw_ids(1, length, seed=length) for length in (9, 1, 5)]
    padded = torch.cat([F.pad(row, (0, 9 - row.size(1)), value=PAD_ID) for row in rows])
    together = model.representations(padded), model.direction_log_probs(padded)
    for i, row in enumerate(rows):
        torch.testing.assert_close(together[0][i, : row.size(1)], model.representations(row)[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(together[1][:, i, : row.size(1)], model.direction_log_probs(row)[:, 0])
    alone = sum(bidirectional_loss(model, row) * row.numel() for row in rows) / sum(row.numel() for row in rows)
    torch.testing.assert_close(bidirectional_loss(model, padded), alone)


def test_one_layer_is_torchs_bidirectional_lstm():
    model, ids = biLM(num_layers=1), draw_ids(3, 7)
    reference = nn.LSTM(32, 32, batch_first=True, bidirectional=True)
    cells = [reader.layers[0].layers[0].state_dict() for reader in (model.forwards, model.backwards)]
    reference.load_state_dict(
        {
            f"{name}_l0{end}": value
            for end, cell in zip(("", "_reverse"), cells, strict=True)
            for name, value in cell.items()
        }
    )
    edges = F.pad(ids, (1, 1), value=BOS_ID)  # torch's two directions share one input: an edge on either side
    theirs, _ = reference(model.embedding(edges))
    right, left = halves(model.representations(ids)[:, :, 1])
    expected_right, expected_left = theirs[:, 1:-1].chunk(2, -1)
    torch.testing.assert_close(right, expected_right, rtol=0, atol=1e-6)
    torch.testing.assert_close(left, expected_left, rtol=0, atol=1e-6)


@pytest.mark.parametrize("layers", [2, 3])
def test_more_layers_are_torchs_lstms_run_apart_with_residuals(layers):
    model, ids = biLM(num_layers=layers), draw_ids(3, 7)
    right, left = halves(model.representations(ids))
    for reader, half, tokens in ((model.forwards, right, ids), (model.backwards, left.flip(1), ids.flip(1))):
        below = model.embedding(F.pad(tokens, (1, 0), value=BOS_ID))
        for depth, twin in enumerate(as_torch(reader), 1):
            above, _ = twin(below)
            below = above if depth == 1 else below + above
            torch.testing.assert_close(half[:, :, depth], below[:, 1:], rtol=0, atol=1e-6)


def test_torchs_second_layer_reads_both_directions_and_is_no_elmo():
    reference = nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    x = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, 5] += 1
    right, _ = reference(x)[0].chunk(2, -1)
    new_right, _ = reference(changed)[0].chunk(2, -1)
    assert not torch.equal(right[:, :5], new_right[:, :5])  # its forward half has seen the last token


def test_the_lowest_layer_is_the_token_twice():
    model, ids = biLM(), draw_ids(2, 5)
    right, left = halves(model.representations(ids)[:, :, 0])
    assert torch.equal(right, left)
    assert torch.equal(right, model.embedding(ids))


def test_log_probs_equal_those_by_hand():
    model, ids = biLM(), draw_ids(1, 6)
    tokens = ids[0].tolist()
    for direction, reader in enumerate((model.forwards, model.backwards)):
        order = tokens if direction == 0 else tokens[::-1]
        found = []
        for k, token in enumerate(order):
            prefix = torch.tensor([[BOS_ID, *order[:k]]])
            hidden = reader(model.embedding(prefix))[-1][0, -1]  # what it knows before it reads the token
            found.append((model.embedding.weight @ hidden + model.bias).log_softmax(0)[token])
        found = torch.stack(found if direction == 0 else found[::-1])
        torch.testing.assert_close(model.direction_log_probs(ids)[direction, 0], found)
    torch.testing.assert_close(model.log_probs(ids), model.direction_log_probs(ids).sum(0) / 2)


def test_each_direction_is_a_probability_of_whole_rows():
    torch.manual_seed(0)
    model = BidirectionalLM(ElmoConfig(6, width=5)).double()
    rows = torch.cartesian_prod(*[torch.arange(6)] * 3)
    rows = rows[(rows != PAD_ID).all(1)]
    sums = model.direction_log_probs(rows).sum(-1).exp().sum(-1)  # <pad> is a token of the softmax like any other
    assert (sums < 1).all()
    assert (sums > 0.3).all()
    two = torch.cartesian_prod(torch.arange(1, 6), torch.arange(6))  # all that can follow a first token
    forward = model.direction_log_probs(two)[0, :, 1].exp().view(5, 6).sum(1)
    torch.testing.assert_close(forward, torch.ones(5, dtype=torch.double))


def test_the_loss_is_minus_the_mean_log_probability():
    model = biLM()
    ids = draw_ids(3, 6)
    ids[1, 4:] = PAD_ID
    expected = -model.direction_log_probs(ids)[:, ids != PAD_ID].mean()
    torch.testing.assert_close(bidirectional_loss(model, ids), expected)


def test_perplexity_is_the_geometric_mean_of_the_directions():
    model, rows = biLM(), [[5, 6, 7], [8, 9]]
    model.requires_grad_(False)
    both = -log_likelihoods(model, rows).sum() / 5
    apart = [-sum(model.direction_log_probs(torch.tensor([row]))[d].sum() for row in rows) / 5 for d in range(2)]
    assert math.exp(both) == pytest.approx(math.sqrt(math.exp(apart[0]) * math.exp(apart[1])), rel=1e-5)


def test_reading_a_text_backwards_swaps_the_directions():
    model, ids = biLM(), draw_ids(2, 6)
    before = model.direction_log_probs(ids)
    model.forwards, model.backwards = model.backwards, model.forwards
    torch.testing.assert_close(model.direction_log_probs(ids.flip(1)), before.flip(0, 2))


def test_dropout_works_in_training_and_only_there():
    model, ids = biLM(dropout=0.5), draw_ids(2, 6)
    assert not torch.equal(model(ids), model(ids))
    model.eval()
    assert torch.equal(model(ids), model(ids))


def test_it_learns_a_batch_by_heart():
    model, ids = biLM(), draw_ids(4, 12)
    history = train(
        model, lambda generator: [ids] * 150, bidirectional_loss, TrainingConfig(learning_rate=0.02), progress=False
    )
    assert history.losses[0] > 3
    # Nothing tells the four rows apart before their first token, from either end; all other tokens are certain.
    assert history.losses[-1] == pytest.approx(math.log(4) / 12, rel=0.05)


# The mix --------------------------------------------------------------------------------------------------------------


def test_a_new_mix_is_the_mean_of_the_layers():
    layers = torch.randn(2, 5, 3, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ScalarMix(3)(layers), layers.mean(2))


def test_the_mix_is_the_sum_of_weighted_layers():
    mix = ScalarMix(3)
    mix.scores.data = torch.tensor([0.0, math.log(2), math.log(5)])
    mix.gamma.data = torch.tensor(4.0)
    layers = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mix.weights(), torch.tensor([1, 2, 5]) / 8)
    torch.testing.assert_close(mix(layers), 4 * (layers[:, 0] + 2 * layers[:, 1] + 5 * layers[:, 2]) / 8)


def test_the_mix_can_choose_one_layer_and_does_not_care_for_a_shift_of_its_scores():
    mix = ScalarMix(2)
    layers = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    mix.scores.data = torch.tensor([0.0, 60.0])
    torch.testing.assert_close(mix(layers), layers[:, 1])
    mix.scores.data += 7
    torch.testing.assert_close(mix(layers), layers[:, 1])


def test_the_mix_says_what_does_not_fit():
    with pytest.raises(ValueError, match="num_layers must be at least 1, got 0"):
        ScalarMix(0)
    with pytest.raises(ValueError, match=r"layers must be \(..., 3, W\), got \(2, 4, 8\)"):
        ScalarMix(3)(torch.zeros(2, 4, 8))


# Frozen features ------------------------------------------------------------------------------------------------------


def test_frozen_features_teach_the_mix_and_not_the_model():
    model, ids = biLM(), draw_ids(4, 6)
    classifier = ElmoClassifier(model.config, 3)
    logits = classifier(frozen_representations(model, ids), ids != PAD_ID)
    F.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    assert all(p.grad is None for p in model.parameters())
    assert all(felt(p) for p in classifier.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_frozen_features_have_no_dropout_and_leave_the_mode_alone(training):
    model, ids = biLM(dropout=0.5), draw_ids(2, 6)
    model.train(training)
    first, second = frozen_representations(model, ids), frozen_representations(model, ids)
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert model.training is training
    assert model.forwards.training is training


def test_the_classifier_takes_the_mean_of_the_real_positions():
    model = biLM()
    ids = draw_ids(2, 6)
    ids[1, 2:] = PAD_ID
    classifier = ElmoClassifier(model.config, 3)
    layers = frozen_representations(model, ids)
    layers[1, 2:] = float("nan")  # what stands on padding means nothing
    logits = classifier(layers, ids != PAD_ID)
    by_hand = classifier.head(torch.stack([layers[0].mean(1).mean(0), layers[1, :2].mean(1).mean(0)]))
    torch.testing.assert_close(logits, by_hand)


def test_the_classifier_refuses_an_empty_row():
    classifier = ElmoClassifier(ElmoConfig.preset("tiny", VOCAB), 2)
    with pytest.raises(ValueError, match="no real position"):
        classifier(torch.zeros(1, 2, 3, 64), torch.zeros(1, 2, dtype=torch.bool))


def test_a_classifier_learns_what_only_the_other_side_tells():
    model = biLM(seed=1)
    g = torch.Generator().manual_seed(0)
    ids = draw_ids(60, 5)
    labels = torch.randint(0, 2, (60,), generator=g)
    ids[:, 3] = torch.where(labels == 1, 28, 29)
    layers = frozen_representations(model, ids)
    classifier = ElmoClassifier(model.config, 2)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=0.05)
    for _ in range(60):
        loss = F.cross_entropy(classifier(layers, ids != PAD_ID), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.35  # a coin costs 0.69


# Bad arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vocab_size", "width", "num_layers"])
def test_bad_sizes_are_named(name):
    sizes = dict(vocab_size=9, width=4, num_layers=2) | {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        ElmoConfig(**sizes)


def test_bad_dropout_and_presets_are_named():
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\), got 1"):
        ElmoConfig(9, dropout=1)
    with pytest.raises(ValueError, match="preset must be one of"):
        ElmoConfig.preset("huge", 9)
