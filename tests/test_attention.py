"""Scores against their equations, weights that keep to the mask, and an encoder-decoder that looks back."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from seq2bert.attention import (
    SCORES,
    AdditiveScore,
    Attention,
    AttentionConfig,
    AttentionSeq2Seq,
    BidirectionalEncoder,
    ConcatScore,
    LocalAttention,
    masked_softmax,
    scaled_dot_product_attention,
)
from seq2bert.seq2seq import beam_search, greedy_search, teacher_forcing_loss
from seq2bert.sequences import EOS_ID, padding_mask

VARIANTS = {
    **{score: dict(score=score) for score in ("none", *SCORES)},
    "local": dict(score="general", window=2),
    "looks first": dict(looks_first=True),
    "looks first, deep": dict(looks_first=True, num_layers=2, cell="lstm"),
}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def model_of(seed=0, **changes):
    torch.manual_seed(seed)
    return AttentionSeq2Seq(AttentionConfig.preset("tiny", 20, 15, **changes)).eval()


def batch(seed=0, rows=3, longest=6):
    g = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([longest, 1, longest - 2][:rows])
    source = torch.randint(4, 20, (rows, longest), generator=g) * padding_mask(lengths)
    return source, lengths, torch.randint(4, 15, (rows, 4), generator=g)


@pytest.mark.parametrize("name", SCORES)
def test_each_score_is_its_equation_pair_by_pair(name):
    torch.manual_seed(0)
    score, query, memory = SCORES[name](8), draw(2, 3, 8), draw(2, 5, 8, seed=1)
    weights = dict(score.named_parameters())

    def by_hand(q, m):
        if name == "dot":
            return (q * m).sum()
        if name == "general":
            return (q * (weights["key.weight"] @ m)).sum()
        if name == "additive":
            inner = weights["query.weight"] @ q + weights["key.weight"] @ m
        else:
            inner = weights["pair.weight"] @ torch.cat([q, m])
        return (weights["value.weight"][0] * inner.tanh()).sum()

    found = score(query, memory)
    assert found.shape == (2, 3, 5)
    for b, t, s in itertools.product(range(2), range(3), range(5)):
        torch.testing.assert_close(found[b, t, s], by_hand(query[b, t], memory[b, s]))


def test_concat_is_additive_with_its_halves_side_by_side():
    additive, concat = AdditiveScore(6), ConcatScore(6)
    concat.pair.weight.data = torch.cat([additive.query.weight, additive.key.weight], 1)
    concat.value.weight.data = additive.value.weight
    query, memory = draw(2, 3, 6), draw(2, 4, 6, seed=1)
    torch.testing.assert_close(concat(query, memory), additive(query, memory))


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("window", [0, 1, 3])
def test_weights_keep_to_the_mask_and_what_is_masked_does_not_matter(name, window):
    torch.manual_seed(0)
    attention = LocalAttention(name, 8, window) if window else Attention(name, 8)
    query, memory, lengths = draw(3, 4, 8), draw(3, 6, 8, seed=1), torch.tensor([6, 2, 1])
    mask = padding_mask(lengths)
    found, weights = attention(query, memory, mask)
    assert (weights[~mask.unsqueeze(1).expand_as(weights)] == 0).all()
    assert (weights >= 0).all()
    if not window:
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4))
    spoiled = torch.where(mask.unsqueeze(-1), memory, torch.full_like(memory, 1e4))
    torch.testing.assert_close(attention(query, spoiled, mask)[0], found)
    torch.testing.assert_close(found, torch.einsum("bts,bsh->bth", weights, memory))


def test_a_local_look_stays_in_its_window_and_fades_from_its_centre():
    torch.manual_seed(0)
    attention = LocalAttention("dot", 8, window=2)
    memory, query = torch.zeros(1, 12, 8), draw(1, 5, 8)
    mask = torch.ones(1, 12, dtype=torch.bool)
    _, weights = attention(query, memory, mask)
    centre = 12 * attention.place(query).sigmoid()[0, :, 0]
    for row, place in zip(weights[0], centre.tolist(), strict=True):
        far = [s for s in range(12) if abs(s - place) > 2]
        near = [s for s in range(12) if abs(s - place) <= 2]
        assert row[far].abs().sum() == 0
        expected = torch.tensor([-((s - place) ** 2) / 2 for s in near]).exp() / len(near)  # sigma = window / 2 = 1
        torch.testing.assert_close(row[near], expected)


def test_the_centre_of_a_local_look_is_learnt():
    attention = LocalAttention("general", 8, window=2)
    attention(draw(2, 3, 8), draw(2, 9, 8, seed=1), torch.ones(2, 9, dtype=torch.bool))[0].sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in attention.place.parameters())


@pytest.mark.parametrize("shape", [(2, 3, 5, 8, 4), (1, 1, 1, 1, 1), (4, 7, 2, 16, 16)])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_torchs_fused_kernel_and_so_are_its_gradients(shape, masked):
    b, t, s, d, e = shape
    inputs = [draw(b, t, d), draw(b, s, d, seed=1), draw(b, s, e, seed=2)]
    mask = draw(b, t, s, seed=3) > 0
    mask[..., 0] = True
    results = []
    for function in ("ours", "torch"):
        q, k, v = (tensor.clone().requires_grad_() for tensor in inputs)
        if function == "ours":
            mixed = scaled_dot_product_attention(q, k, v, mask if masked else None)[0]
        else:
            with sdpa_kernel(SDPBackend.MATH):
                mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask if masked else None)
        mixed.square().sum().backward()
        results.append([mixed.detach(), q.grad, k.grad, v.grad])
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-5)


def test_nothing_to_look_at_is_an_error():
    with pytest.raises(ValueError, match="a row of the mask allows no position"):
        masked_softmax(torch.zeros(2, 3), torch.tensor([[True, True, True], [False, False, False]]))
    with pytest.raises(ValueError, match="query width 4 and key width 5 must be equal"):
        scaled_dot_product_attention(torch.ones(1, 2, 4), torch.ones(1, 2, 5), torch.ones(1, 2, 5))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_encoder_knows_both_sides_and_no_padding(cell):
    torch.manual_seed(0)
    encoder = BidirectionalEncoder(AttentionConfig.preset("tiny", 20, 15, cell=cell, num_layers=2)).eval()
    source, lengths, _ = batch()
    context, outputs, mask = encoder(source, lengths)
    assert outputs.shape == (3, 6, 64)
    for row, length in enumerate(lengths.tolist()):
        alone = encoder(source[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(outputs[row, :length], alone[1][0])
        for layer, other in zip(context, alone[0], strict=True):
            for part, same in zip(layer, other, strict=True):
                torch.testing.assert_close(part[row], same[0])
    assert torch.equal(context[-1][0][0], torch.cat([outputs[0, 5, :32], outputs[0, 0, 32:]]))
    changed = source.clone()
    changed[0, 3] = 4 + (source[0, 3] - 3) % 16
    moved = (encoder(changed, lengths)[1][0] != outputs[0]).view(6, 2, 32).any(-1)
    assert moved.tolist() == [[place >= 3, place <= 3] for place in range(6)]
    assert mask.equal(padding_mask(lengths))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_the_formula_counts_the_parameters(variant):
    model = model_of(**variant)
    assert sum(p.numel() for p in model.parameters()) == model.config.num_parameters()


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_steps_taken_one_by_one_are_those_taken_together(variant):
    model, (source, lengths, inputs) = model_of(**variant), batch()
    together = model(source, lengths, inputs)
    state, apart = model.encode(source, lengths), []
    for token in inputs.split(1, 1):
        logits, state = model.decoder(token, state)
        apart.append(logits)
    torch.testing.assert_close(torch.cat(apart, 1), together)
    changed = inputs.clone()
    changed[:, 2] = 4 + (inputs[:, 2] - 3) % 11
    assert torch.equal(model(source, lengths, changed)[:, :2], together[:, :2])


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_the_padding_of_a_batch_changes_nothing(variant):
    model, (source, lengths, inputs) = model_of(**variant), batch()
    together = model(source, lengths, inputs)
    for row, length in enumerate(lengths.tolist()):
        alone = model(source[row : row + 1, :length], lengths[row : row + 1], inputs[row : row + 1])
        torch.testing.assert_close(together[row], alone[0])


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_searches_work_as_they_are_and_a_beam_of_one_is_greedy(variant):
    model, (source, lengths, _) = model_of(**variant), batch()
    greedy = greedy_search(model, source, lengths, 7)
    beam = beam_search(model, source, lengths, 7, beam_size=1)[0][:, 0]
    for one, other in zip(greedy.tolist(), beam.tolist(), strict=True):
        end = one.index(EOS_ID) + 1 if EOS_ID in one else len(one)
        assert other[:end] == one[:end]
    wide = beam_search(model, source, lengths, 7, beam_size=4)
    assert (wide[1][:, 0] >= wide[1][:, -1]).all()


@pytest.mark.parametrize("variant", [v for name, v in VARIANTS.items() if name not in ("none", "local")])
def test_an_alignment_says_where_each_step_looked(variant):
    model, (source, lengths, inputs) = model_of(**variant), batch()
    weights = model.alignment(source, lengths, inputs)
    assert weights.shape == (3, 4, 6)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4))
    assert (weights[1, :, 1:] == 0).all()


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_it_learns_one_batch_by_heart(variant):
    model, (source, lengths, tokens) = model_of(**variant).train(), batch()
    targets = torch.cat([torch.ones(3, 1, dtype=torch.long), tokens, torch.full((3, 1), EOS_ID)], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(80):
        optimizer.zero_grad()
        loss = teacher_forcing_loss(model, (source, lengths, targets))
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_looking_back_copies_what_a_narrow_state_cannot_hold():
    """Turning sequences around needs every token: with a state this narrow only the one that looks back learns it."""
    losses = {}
    for score in ("none", "general"):
        torch.manual_seed(0)
        model = AttentionSeq2Seq(AttentionConfig(30, 30, 16, 32, cell="gru", score=score))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        g = torch.Generator().manual_seed(0)
        for _ in range(250):
            source = torch.randint(4, 30, (16, 8), generator=g)
            ends = torch.ones(16, 1, dtype=torch.long)
            targets = torch.cat([ends, source.flip(1), EOS_ID * ends], 1)
            loss = teacher_forcing_loss(model, (source, torch.full((16,), 8), targets))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[score] = loss.item()
    assert losses["general"] < 0.6 * losses["none"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(score="cosine"), "score must be one of .*, got 'cosine'"),
        (dict(window=-1), "window must be at least 0, got -1"),
        (dict(reverse_source=True), "reverse_source must be False"),
        (dict(hidden_size=7), "hidden_size must be even, one half for each direction, got 7"),
    ],
)
def test_bad_settings_are_named(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionConfig.preset("tiny", 20, 15, **change)
