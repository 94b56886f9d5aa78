"""The three cells against torch.nn, number by number; padding that must not matter; the language model; learning."""

import math

import pytest
import torch
from torch import nn

from seq2bert.convert import from_torch_rnn
from seq2bert.recurrent import (
    CELLS,
    Recurrent,
    RecurrentLanguageModel,
    RecurrentLMConfig,
    clip_gradients,
    next_token_loss,
    truncated_backward,
)
from seq2bert.sequences import PAD_ID, padding_mask

TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
SIZES = [(3, 5, 1), (7, 4, 2), (1, 1, 3), (16, 32, 2)]  # input, hidden, layers


def twins(cell, inputs, hidden, layers):
    """Ours and torch's with the same weights."""
    torch.manual_seed(inputs * 100 + hidden * 10 + layers)
    reference = TORCH[cell](inputs, hidden, layers, batch_first=True)
    ours = Recurrent(cell, inputs, hidden, layers)
    ours.load_state_dict(from_torch_rnn(reference))
    return ours, reference


def as_torch(state):
    """Our state, a tuple for each layer, in torch's form: (L, B, H), or two of them for an LSTM."""
    stacked = tuple(torch.stack(parts) for parts in zip(*state, strict=True))
    return stacked if len(stacked) > 1 else stacked[0]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("sizes", SIZES)
def test_outputs_states_and_gradients_equal_torch(cell, sizes):
    ours, reference = twins(cell, *sizes)
    x = torch.randn(4, 6, sizes[0], generator=torch.Generator().manual_seed(1))
    mine, state = ours(x)
    theirs, reference_state = reference(x)
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
    torch.testing.assert_close(as_torch(state), reference_state, rtol=0, atol=1e-6)
    mine.square().sum().backward()
    theirs.square().sum().backward()
    gradients = from_torch_rnn_gradients(reference)
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-4)


def from_torch_rnn_gradients(reference):
    return {
        f"layers.{name.rsplit('_l', 1)[1]}.{name.rsplit('_l', 1)[0]}": parameter.grad
        for name, parameter in reference.named_parameters()
    }


@pytest.mark.parametrize("cell", CELLS)
def test_the_mask_does_what_packing_does(cell):
    ours, reference = twins(cell, 3, 5, 2)
    lengths = torch.tensor([6, 1, 4])
    x = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(2))
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    theirs, reference_state = reference(packed)
    theirs, _ = nn.utils.rnn.pad_packed_sequence(theirs, batch_first=True)
    mask = padding_mask(lengths)
    mine, state = ours(x, mask)
    torch.testing.assert_close(mine[mask], theirs[mask], rtol=0, atol=1e-6)
    torch.testing.assert_close(as_torch(state), reference_state, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_what_stands_on_padding_does_not_matter(cell):
    ours, _ = twins(cell, 3, 5, 1)
    g = torch.Generator().manual_seed(3)
    x, lengths = torch.randn(2, 5, 3, generator=g), torch.tensor([5, 2])
    spoiled = x.clone()
    spoiled[1, 2:] = 1e6
    assert torch.equal(ours(x, padding_mask(lengths))[1][0][0], ours(spoiled, padding_mask(lengths))[1][0][0])


@pytest.mark.parametrize("cell", CELLS)
def test_no_output_depends_on_the_future(cell):
    ours, _ = twins(cell, 3, 5, 2)
    x = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(4))
    changed = x.clone()
    changed[:, 4:] += 1
    assert torch.equal(ours(x)[0][:, :4], ours(changed)[0][:, :4])
    assert not torch.equal(ours(x)[0][:, 4:], ours(changed)[0][:, 4:])


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_can_be_read_in_two_parts(cell):
    ours, _ = twins(cell, 3, 5, 2)
    x = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(5))
    whole, end = ours(x)
    first, state = ours(x[:, :4])
    second, last = ours(x[:, 4:], state=state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(as_torch(last), as_torch(end))


@pytest.mark.parametrize("cell", CELLS)
def test_it_learns_to_remember_the_first_token(cell):
    torch.manual_seed(0)
    model, read = Recurrent(cell, 2, 16), nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*model.parameters(), *read.parameters()], lr=0.02)
    bits = torch.randint(0, 2, (64, 6), generator=torch.Generator().manual_seed(0))
    for _ in range(150):
        loss = nn.functional.cross_entropy(read(model(nn.functional.one_hot(bits, 2).float())[0][:, -1]), bits[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1  # a coin costs 0.69


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="cell must be one of"):
        Recurrent("elman", 3, 4)
    with pytest.raises(ValueError, match="num_layers must be at least 1, got 0"):
        Recurrent("gru", 3, 4, 0)
    with pytest.raises(ValueError, match="input_size and hidden_size"):
        Recurrent("gru", 0, 4)


@pytest.mark.parametrize("change", [dict(bidirectional=True), dict(proj_size=2), dict(bias=False)])
def test_conversion_refuses_what_it_cannot_express(change):
    with pytest.raises(ValueError, match="only one-directional"):
        from_torch_rnn(nn.LSTM(3, 4, **change))


def language_model(seed=0, vocab_size=30, **changes):
    torch.manual_seed(seed)
    return RecurrentLanguageModel(RecurrentLMConfig.preset("tiny", vocab_size, **changes))


def draw_ids(rows, length, vocab_size=30, seed=0):
    return torch.randint(4, vocab_size, (rows, length), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_the_formula_counts_the_parameters(cell, layers):
    model = language_model(cell=cell, num_layers=layers)
    assert sum(p.numel() for p in model.parameters()) == model.config.num_parameters()


def test_a_language_model_gives_each_token_the_probability_of_its_context_alone():
    model, ids = language_model(), draw_ids(3, 8)
    scores = model.log_probs(ids)
    changed = ids.clone()
    changed[:, 5] = 4 + (ids[:, 5] - 3) % 26
    assert torch.equal(model.log_probs(changed)[:, :5], scores[:, :5])
    assert not torch.isclose(model.log_probs(changed)[:, 6:], scores[:, 6:]).any()
    logits, _ = model(torch.tensor([[1, *ids[0, :7].tolist()]]))
    torch.testing.assert_close(scores[0], logits[0].log_softmax(-1).gather(-1, ids[0, :, None])[:, 0])
    torch.testing.assert_close(logits.softmax(-1).sum(-1), torch.ones(1, 8))


def test_padding_is_no_part_of_the_loss():
    model, ids = language_model(), draw_ids(2, 6)
    padded = torch.cat([ids, torch.full((2, 3), PAD_ID)], 1)
    torch.testing.assert_close(next_token_loss(model, padded), next_token_loss(model, ids))
    torch.testing.assert_close(next_token_loss(model, ids), -model.log_probs(ids).mean())


@pytest.mark.parametrize("cell", CELLS)
def test_a_language_model_learns_one_batch_by_heart(cell):
    model, ids = language_model(cell=cell), draw_ids(4, 10)
    ids[:, 0] = torch.arange(4, 8)  # which of the four begins cannot be known; what follows then can
    assert abs(next_token_loss(model, ids).item() - math.log(30)) < 0.5  # it begins with no opinion
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        loss = next_token_loss(model, ids)
        loss.backward()
        optimizer.step()
    assert math.log(4) / 10 <= loss.item() < math.log(4) / 10 + 0.02


def gradients(model, backward):
    model.zero_grad()
    loss = backward()
    return loss, {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("cell", CELLS)
def test_a_span_that_holds_everything_cuts_nothing(cell):
    model, ids = language_model(cell=cell, num_layers=2), draw_ids(3, 7)
    ids[1, 4:] = PAD_ID

    def whole():
        loss = next_token_loss(model, ids)
        loss.backward()
        return loss.item()

    loss, right = gradients(model, whole)
    for span in (7, 100):
        cut_loss, cut = gradients(model, lambda span=span: truncated_backward(model, ids, span))
        assert cut_loss == pytest.approx(loss, abs=1e-6)
        torch.testing.assert_close(cut, right, rtol=1e-4, atol=1e-6)
    cut_loss, cut = gradients(model, lambda: truncated_backward(model, ids, 2))
    assert cut_loss == pytest.approx(loss, abs=1e-6)  # the state is carried on
    assert not torch.allclose(cut["recurrent.layers.0.weight_hh"], right["recurrent.layers.0.weight_hh"], atol=1e-4)


def test_a_cut_gradient_is_that_of_two_texts_when_the_state_is_given():
    """The second span's gradient is that of a text of its own which begins in the state where the first one ended."""
    model, ids = language_model(), draw_ids(2, 6)
    _, cut = gradients(model, lambda: truncated_backward(model, ids, 3))

    def by_hand():
        logits, state = model(torch.cat([torch.ones(2, 1, dtype=torch.long), ids[:, :2]], 1))
        given = tuple(tuple(part.detach() for part in layer) for layer in state)
        more, _ = model(ids[:, 2:5], given)
        loss = nn.functional.cross_entropy(torch.cat([logits, more], 1).mT, ids)
        loss.backward()
        return loss

    torch.testing.assert_close(cut, gradients(model, by_hand)[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("max_norm", [0.5, 3.0, 1e6])
def test_clipping_is_torchs(max_norm):
    g = torch.Generator().manual_seed(0)
    grads = [torch.randn(3, 4, generator=g), torch.randn(5, generator=g), torch.randn((), generator=g)]
    parameters = [nn.Parameter(torch.zeros_like(grad)) for grad in grads]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad.clone()
    reference = nn.utils.clip_grad_norm_(parameters, max_norm)
    clipped, norm = clip_gradients(grads, max_norm)
    torch.testing.assert_close(norm, reference)
    torch.testing.assert_close(clipped, [p.grad for p in parameters], rtol=1e-5, atol=1e-6)
    zero, nothing = clip_gradients([torch.zeros(2)], 1.0)
    assert zero[0].tolist() == [0, 0]
    assert nothing == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: RecurrentLMConfig(0), "vocab_size must be at least 1, got 0"),
        (lambda: RecurrentLMConfig(9, cell="elman"), "cell must be one of"),
        (lambda: RecurrentLMConfig(9, dropout=1.0), r"dropout must lie in \[0, 1\), got 1.0"),
        (lambda: RecurrentLMConfig.preset("huge", 9), "preset must be one of"),
        (lambda: clip_gradients([torch.ones(1)], 0), "max_norm must be above 0, got 0"),
        (lambda: truncated_backward(language_model(), draw_ids(1, 3), 0), "span must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
