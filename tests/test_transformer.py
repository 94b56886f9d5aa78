"""The Transformer against torch.nn to 1e-5 with masks and gradients, what it must not see, and that it learns."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seq2bert.convert import from_torch_attention, from_torch_layer
from seq2bert.seq2seq import beam_search, greedy_search, sequence_loss, teacher_forcing_loss
from seq2bert.sequences import EOS_ID, padding_mask
from seq2bert.training.loop import TrainingConfig, train
from seq2bert.transformer import (
    POSITIONS,
    DecoderLayer,
    EncoderLayer,
    MultiHeadAttention,
    Transformer,
    TransformerConfig,
    attention_maps,
    causal_mask,
    label_smoothing_loss,
    sinusoidal_positions,
    smoothed_loss,
    warmup_rate,
)

CONFIGS = [  # width, heads, inner width, layers, pre-norm
    (8, 1, 16, 1, False),
    (8, 8, 4, 2, True),
    (12, 3, 20, 2, False),
    (32, 4, 64, 3, True),
]
VARIANTS = {
    "post-norm": {},
    "pre-norm": dict(norm_first=True),
    "learned": dict(positions="learned", norm_first=True),
    "no positions": dict(positions="none"),
    "one vocabulary": dict(share_vocabularies=True, source_vocab=20, target_vocab=20),
}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def config_of(width, heads, inner, layers, norm_first):
    return TransformerConfig(20, 15, width, heads, inner, layers, norm_first=norm_first, dropout=0.0)


def model_of(seed=0, source_vocab=20, target_vocab=15, **changes):
    torch.manual_seed(seed)
    return Transformer(TransformerConfig.preset("tiny", source_vocab, target_vocab, **changes)).eval()


def batch(seed=0):
    g = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([6, 1, 4])
    source = torch.randint(4, 20, (3, 6), generator=g) * padding_mask(lengths)
    return source, lengths, torch.randint(4, 15, (3, 4), generator=g)


# torch.nn with our weights --------------------------------------------------------------------------------------------


def torch_layer(config: TransformerConfig, decoder: bool) -> nn.Module:
    """nn.TransformerEncoderLayer or nn.TransformerDecoderLayer of the sizes of a config."""
    kind = nn.TransformerDecoderLayer if decoder else nn.TransformerEncoderLayer
    layer = kind(
        config.hidden_size,
        config.num_heads,
        config.intermediate_size,
        dropout=0.0,
        batch_first=True,
        norm_first=config.norm_first,
    )
    shake(layer)
    return layer


def shake(module: nn.Module) -> None:
    """Norms begin at one and zero, where a missing one would hardly show."""
    torch.manual_seed(1)
    for parameter in module.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, mean=0.5, std=0.5)


def assert_same_with_gradients(ours, theirs, inputs: list[torch.Tensor], weights: list[tuple]) -> None:
    """Outputs of two functions to 1e-5, and the gradients of inputs and of corresponding weights to 1e-4."""
    results = []
    for function in (ours, theirs):
        given = [tensor.clone().requires_grad_() for tensor in inputs]
        out = function(*given)
        (out * draw(*out.shape, seed=9)).sum().backward()
        results.append((out.detach(), [tensor.grad for tensor in given]))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-4, atol=1e-4)
    for mine, other in weights:
        assert mine.grad.abs().sum() > 0
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("width", "heads"), [(8, 1), (8, 8), (12, 3), (32, 4)])
@pytest.mark.parametrize("masked", ["nothing", "padding", "causal", "both"])
def test_multi_head_attention_is_torchs(width, heads, masked):
    torch.manual_seed(0)
    ours, theirs = MultiHeadAttention(width, heads), nn.MultiheadAttention(width, heads, batch_first=True)
    shake(theirs)
    ours.load_state_dict(from_torch_attention(theirs))
    hidden, memory, lengths = draw(3, 5, width), draw(3, 5, width, seed=1), torch.tensor([5, 1, 3])
    real = padding_mask(lengths)
    mask = torch.ones(3, 1, 5, 5, dtype=torch.bool)
    causal = padding = None
    if masked in ("causal", "both"):
        mask, causal = mask & causal_mask(5), ~causal_mask(5)
    if masked in ("padding", "both"):
        mask, padding = mask & real[:, None, None], ~real

    def mine(hidden, memory):
        return ours(hidden, memory, None if masked == "nothing" else mask)

    def other(hidden, memory):
        return theirs(hidden, memory, memory, key_padding_mask=padding, attn_mask=causal)[0]

    assert_same_with_gradients(
        mine,
        other,
        [hidden, memory],
        [(ours.output.weight, theirs.out_proj.weight), (ours.output.bias, theirs.out_proj.bias)],
    )
    expected = theirs(hidden, memory, memory, key_padding_mask=padding, attn_mask=causal, average_attn_weights=False)[1]
    torch.testing.assert_close(ours.weights(hidden, memory, mask), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", CONFIGS)
@pytest.mark.parametrize("decoder", [False, True])
def test_layers_are_torchs(sizes, decoder):
    config = config_of(*sizes)
    torch.manual_seed(0)
    ours, theirs = (DecoderLayer if decoder else EncoderLayer)(config), torch_layer(config, decoder)
    ours.load_state_dict(from_torch_layer(theirs))
    lengths = torch.tensor([6, 1, 4])
    real = padding_mask(lengths)
    hidden, memory = draw(3, 5 if decoder else 6, sizes[0]), draw(3, 6, sizes[0], seed=1)
    linears = [
        (ours.feed_forward[0].weight, theirs.linear1.weight),
        (ours.add_attention.norm.weight, theirs.norm1.weight),
    ]
    if decoder:
        assert_same_with_gradients(
            lambda x, m: ours(x, causal_mask(5), m, real[:, None, None]),
            lambda x, m: theirs(x, m, tgt_mask=~causal_mask(5), memory_key_padding_mask=~real),
            [hidden, memory],
            linears,
        )
    else:
        assert_same_with_gradients(
            lambda x: ours(x, real[:, None, None])[real],
            lambda x: theirs(x, src_key_padding_mask=~real)[real],
            [hidden],
            linears,
        )


@pytest.mark.parametrize("sizes", CONFIGS)
def test_the_whole_model_is_torchs_layers_one_after_the_other(sizes):
    config = config_of(*sizes)
    torch.manual_seed(0)
    model = Transformer(config).eval()
    source, lengths, inputs = batch()
    real = padding_mask(lengths)
    scale = config.hidden_size**0.5
    memory = scale * model.encoder.embeddings.tokens(source) + sinusoidal_positions(6, config.hidden_size)
    for layer in model.encoder.layers:
        theirs = torch_layer(config, decoder=False)
        layer.load_state_dict(from_torch_layer(theirs))
        memory = theirs(memory, src_key_padding_mask=~real)
    memory = model.encoder.norm(memory)
    table = model.decoder.embeddings.tokens
    hidden = scale * table(inputs) + sinusoidal_positions(4, config.hidden_size)
    for layer in model.decoder.layers:
        theirs = torch_layer(config, decoder=True)
        layer.load_state_dict(from_torch_layer(theirs))
        hidden = theirs(hidden, memory, tgt_mask=~causal_mask(4), memory_key_padding_mask=~real)
    expected = F.linear(model.decoder.norm(hidden), table.weight)
    torch.testing.assert_close(model(source, lengths, inputs), expected, rtol=1e-5, atol=1e-5)


# Positions ------------------------------------------------------------------------------------------------------------


def test_positions_are_the_papers_equation():
    table = sinusoidal_positions(50, 8)
    for p in (0, 1, 7, 49):
        for i in range(4):
            angle = torch.tensor(p / 10_000 ** (2 * i / 8))
            torch.testing.assert_close(table[p, 2 * i : 2 * i + 2], torch.stack([angle.sin(), angle.cos()]))


def test_a_step_turns_every_clock_by_the_same_angle_wherever_it_begins():
    table = sinusoidal_positions(40, 16)
    products = table @ table.T
    for distance in (1, 5, 12):
        along = products.diagonal(distance)
        torch.testing.assert_close(along, along[0].expand_as(along))
    assert products[0, 0] == 8  # one per clock


@pytest.mark.parametrize("positions", POSITIONS)
def test_only_positions_tell_the_encoder_of_order(positions):
    model = model_of(positions=positions)
    source, lengths = torch.randint(4, 20, (2, 6), generator=torch.Generator().manual_seed(1)), torch.tensor([6, 6])
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    memory = model.encode(source, lengths)[1]
    moved = model.encode(source[:, order], lengths)[1]
    assert torch.allclose(moved, memory[:, order], atol=1e-5) is (positions == "none")


# Invariants of the model ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_the_formula_counts_the_parameters(variant):
    model = model_of(**variant)
    assert sum(p.numel() for p in model.parameters()) == model.config.num_parameters()


def test_the_papers_sizes():
    """Table 3 of the paper rounds to 65 and 213 million, with about 37,000 pieces for both languages."""
    base = TransformerConfig.preset("base", 37_000, 37_000, share_vocabularies=True)
    big = TransformerConfig.preset("big", 37_000, 37_000, share_vocabularies=True)
    assert 62e6 < base.num_parameters() < 66e6
    assert 210e6 < big.num_parameters() < 216e6


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_steps_taken_one_by_one_are_those_taken_together(variant):
    model, (source, lengths, inputs) = model_of(**variant), batch()
    together = model(source, lengths, inputs)
    state, apart = model.encode(source, lengths), []
    for token in inputs.split(1, 1):
        logits, state = model.decoder(token, state)
        apart.append(logits)
    torch.testing.assert_close(torch.cat(apart, 1), together, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_no_step_sees_what_comes_after_it(variant):
    model, (source, lengths, inputs) = model_of(**variant), batch()
    together = model(source, lengths, inputs)
    for place in range(4):
        changed = inputs.clone()
        changed[:, place] = 4 + (inputs[:, place] - 3) % 11
        other = model(source, lengths, changed)
        assert torch.equal(other[:, :place], together[:, :place])
        assert (other[:, place:] != together[:, place:]).any(-1).all()


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_the_padding_of_a_batch_changes_nothing(variant):
    model, (source, lengths, inputs) = model_of(**variant), batch()
    together = model(source, lengths, inputs)
    for row, length in enumerate(lengths.tolist()):
        alone = model(source[row : row + 1, :length], lengths[row : row + 1], inputs[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=1e-5, atol=1e-5)
    spoiled = torch.where(padding_mask(lengths), source, torch.full_like(source, 7))
    torch.testing.assert_close(model(spoiled, lengths, inputs), together)


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


def test_maps_say_where_every_head_of_every_layer_looks():
    model, (source, lengths, inputs) = model_of(), batch()
    expected = model(source, lengths, inputs)
    maps = attention_maps(model, source, lengths, inputs)
    shapes = {"encoder": (3, 4, 6, 6), "decoder": (3, 4, 4, 4), "cross": (3, 4, 4, 6)}
    assert {name: tuple(weights.shape) for name, weights in maps.items()} == {
        f"encoder.layers.{i}.attention": shapes["encoder"] for i in range(2)
    } | {f"decoder.layers.{i}.attention": shapes["decoder"] for i in range(2)} | {
        f"decoder.layers.{i}.cross_attention": shapes["cross"] for i in range(2)
    }
    for name, weights in maps.items():
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        if "encoder" in name or "cross" in name:
            assert (weights[1, ..., 1:] == 0).all()  # the second source has one token
        else:
            assert (weights.triu(1) == 0).all()
    assert torch.equal(model(source, lengths, inputs), expected)  # and leave no trace
    assert not any(module._forward_hooks for module in model.modules())


def test_nothing_but_dropout_tells_training_from_use():
    model, arguments = model_of(dropout=0.0), batch()
    assert torch.equal(model.train()(*arguments), model.eval()(*arguments))
    model = model_of(dropout=0.5)
    assert not torch.equal(model.train()(*arguments), model.eval()(*arguments))


# Training -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7, 1.0])
def test_the_smoothed_loss_is_its_definition(smoothing):
    logits, labels = draw(2, 3, 5), torch.tensor([[4, 1, 0], [2, 0, 0]])
    total, real = 0.0, 0
    for row, label in zip(logits.flatten(0, 1), labels.flatten().tolist(), strict=True):
        if label:
            target = torch.full((5,), smoothing / 5)
            target[label] += 1 - smoothing
            total, real = total - (target * row.log_softmax(-1)).sum(), real + 1
    torch.testing.assert_close(smoothed_loss(logits, labels, smoothing), total / real)
    torch.testing.assert_close(smoothed_loss(logits, labels, 0.0), sequence_loss(logits, labels))


def test_the_smoothed_loss_is_least_where_a_little_is_left_to_all():
    """With e = 0.1 and two tokens the best probability of the label is 0.95, not 1."""
    sure = torch.tensor([0.90, 0.95, 0.999])
    logits = torch.stack([(1 - sure).log(), sure.log()], -1)
    losses = [smoothed_loss(row[None, None], torch.tensor([[1]]), 0.1).item() for row in logits]
    assert losses[1] < min(losses[0], losses[2])


def test_the_rate_climbs_to_its_peak_and_falls_with_the_root():
    rates = [warmup_rate(step, 64, 100) for step in range(1, 401)]
    assert max(rates) == rates[99] == pytest.approx(64**-0.5 * 100**-0.5)
    assert rates[49] == pytest.approx(rates[99] / 2)
    assert rates[399] == pytest.approx(rates[99] / 2)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_it_learns_one_batch_by_heart(variant):
    model, (source, lengths, tokens) = model_of(dropout=0.0, **variant).train(), batch()
    targets = torch.cat([torch.ones(3, 1, dtype=torch.long), tokens, torch.full((3, 1), EOS_ID)], 1)
    data = (source, lengths, targets)
    history = train(
        model,
        lambda generator: [data] * 150,
        label_smoothing_loss,
        TrainingConfig(learning_rate=3e-3),
        progress=False,
    )
    assert history.losses[-1] < history.losses[0]
    assert teacher_forcing_loss(model, data).item() < 0.2
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_learns_to_turn_around_what_a_model_without_positions_cannot():
    losses = {}
    for positions in ("sinusoidal", "none"):
        model = model_of(positions=positions, norm_first=True, dropout=0.0, source_vocab=14, target_vocab=14)
        g = torch.Generator().manual_seed(0)

        def batches(_, g=g):
            ends = torch.ones(32, 1, dtype=torch.long)
            sources = [torch.randint(4, 14, (32, 6), generator=g) for _ in range(400)]
            return [(s, torch.full((32,), 6), torch.cat([ends, s.flip(1), EOS_ID * ends], 1)) for s in sources]

        history = train(model, batches, teacher_forcing_loss, TrainingConfig(learning_rate=3e-3), progress=False)
        losses[positions] = sum(history.losses[-20:]) / 20
    assert losses["sinusoidal"] < 0.6 * losses["none"]


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(num_heads=5), "num_heads must divide hidden_size 32, got 5"),
        (dict(hidden_size=3, num_heads=1), "hidden_size must be even, a sine and a cosine each, got 3"),
        (dict(num_layers=0), "num_layers must be at least 1, got 0"),
        (dict(positions="rotary"), "positions must be one of .*, got 'rotary'"),
        (dict(dropout=1.0), r"dropout must lie in \[0, 1\), got 1.0"),
        (dict(share_vocabularies=True), "share_vocabularies needs vocabularies of one size, got 20 and 15"),
    ],
)
def test_bad_settings_are_named(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        TransformerConfig.preset("tiny", 20, 15, **changes)


def test_bad_arguments_are_named():
    model, (source, lengths, inputs) = model_of(max_positions=5), batch()
    with pytest.raises(ValueError, match="a sequence of 6 tokens is longer than max_positions 5"):
        model(source, lengths, inputs)
    with pytest.raises(ValueError, match=r"preset must be one of .*, got 'huge'"):
        TransformerConfig.preset("huge", 20, 15)
    with pytest.raises(ValueError, match="num_heads must divide hidden_size 8, got 3"):
        MultiHeadAttention(8, 3)
    with pytest.raises(ValueError, match="only torch attentions with biases and one width"):
        from_torch_attention(nn.MultiheadAttention(8, 2, kdim=4))
    with pytest.raises(ValueError, match="width must be even"):
        sinusoidal_positions(4, 5)
    with pytest.raises(ValueError, match=r"smoothing must lie in \[0, 1\], got 1.5"):
        smoothed_loss(torch.zeros(1, 1, 3), torch.ones(1, 1, dtype=torch.long), 1.5)
    with pytest.raises(ValueError, match="step must be at least 1, got 0"):
        warmup_rate(0, 64)
