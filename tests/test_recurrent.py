"""The three cells against torch.nn, number by number; padding that must not matter; learning."""

import pytest
import torch
from torch import nn

from seq2bert.convert import from_torch_rnn
from seq2bert.recurrent import CELLS, Recurrent
from seq2bert.sequences import padding_mask

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
