"""Recurrent networks, one cell at a time: RNN, GRU and LSTM, and the loop that carries their state.

A recurrent network reads a sequence from left to right and keeps what it needs in a state of fixed size:
`state_t = cell(x_t, state_{t-1})`. The three cells differ only in how the new state is made from the old one:

    RNN   overwrites it        h' = tanh(W x + U h + b)                  (Elman, 1990)
    GRU   blends into it       h' = (1 - z) n + z h                      (Cho et al., 2014, eq. 5-8)
    LSTM  adds to a memory     c' = f c + i g,   h' = o tanh(c')         (Hochreiter and Schmidhuber, 1997)

Weights have torch's names, shapes and gate order (`weight_ih`, `weight_hh`, ...), so that ours can be held against
`torch.nn.RNN`, `GRU` and `LSTM` number by number.
"""

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]  # each (B, H); the first one is the output


class RecurrentCell(nn.Module):
    """What the three cells share: their weights, and the half of the work that needs no state.

    Args:
        input_size: width D of an input vector.
        hidden_size: width H of the state.
    """

    num_gates: int  # blocks of H rows in each weight matrix
    num_states: int = 1  # tensors in the state

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"input_size and hidden_size must be at least 1, got {input_size} and {hidden_size}")
        self.hidden_size = hidden_size
        rows = self.num_gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def project(self, inputs: Tensor) -> Tensor:
        """Everything that an input contributes, for all time steps in one matrix product: (..., D) -> (..., G*H)."""
        return nn.functional.linear(inputs, self.weight_ih, self.bias_ih)

    def recur(self, state: Tensor) -> Tensor:
        """Everything that the previous output contributes: (B, H) -> (B, G*H)."""
        return nn.functional.linear(state, self.weight_hh, self.bias_hh)

    def initial_state(self, batch_size: int) -> State:
        """A state of zeros on the device and in the precision of the weights."""
        return tuple(self.weight_hh.new_zeros(batch_size, self.hidden_size) for _ in range(self.num_states))

    def forward(self, projected: Tensor, state: State) -> State:
        """One step in time: (B, G*H) and the state before it give the state after it."""
        raise NotImplementedError


class RNNCell(RecurrentCell):
    """The plain cell of Elman (1990): h' = tanh(W x + b + U h + d).

    >>> RNNCell(3, 4)(torch.zeros(2, 4), (torch.zeros(2, 4),))[0].shape
    torch.Size([2, 4])
    """

    num_gates = 1

    def forward(self, projected, state):
        (hidden,) = state
        return ((projected + self.recur(hidden)).tanh(),)  # (B, H)


class GRUCell(RecurrentCell):
    """The gated cell of Cho et al. (2014): two gates decide what to forget and what to keep.

    r = sigma(W_r x + U_r h), z = sigma(W_z x + U_z h), n = tanh(W_n x + r * (U_n h)), h' = (1 - z) n + z h.
    As in torch, the reset gate r works on `U_n h` after the product, and z = 1 keeps the old state.

    >>> GRUCell(3, 4)(torch.zeros(2, 12), (torch.zeros(2, 4),))[0].shape
    torch.Size([2, 4])
    """

    num_gates = 3

    def forward(self, projected, state):
        (hidden,) = state
        reset_x, update_x, new_x = projected.chunk(3, -1)  # (B, H) each
        reset_h, update_h, new_h = self.recur(hidden).chunk(3, -1)  # (B, H) each
        reset = (reset_x + reset_h).sigmoid()  # (B, H)
        update = (update_x + update_h).sigmoid()  # (B, H)
        new = (new_x + reset * new_h).tanh()  # (B, H)
        return (torch.lerp(new, hidden, update),)  # (1 - z) n + z h: (B, H)


class LSTMCell(RecurrentCell):
    """The long short-term memory: a memory that is added to, so that gradients pass it unharmed.

    i, f, o = sigma(...), g = tanh(...), c' = f c + i g, h' = o tanh(c'); gates in torch's order i, f, g, o.
    The state is (h, c).

    >>> [s.shape for s in LSTMCell(3, 4)(torch.zeros(2, 16), (torch.zeros(2, 4), torch.zeros(2, 4)))]
    [torch.Size([2, 4]), torch.Size([2, 4])]
    """

    num_gates = 4
    num_states = 2

    def forward(self, projected, state):
        hidden, memory = state
        write, forget, new, read = (projected + self.recur(hidden)).chunk(4, -1)  # (B, H) each
        memory = forget.sigmoid() * memory + write.sigmoid() * new.tanh()  # (B, H)
        return read.sigmoid() * memory.tanh(), memory  # (B, H) each


CELLS = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}


class Recurrent(nn.Module):
    """A stack of cells unrolled over time: layer k reads what layer k-1 put out.

    Args:
        cell: "rnn", "gru" or "lstm".
        input_size: width D of the inputs.
        hidden_size: width H of every layer.
        num_layers: L, how many cells are stacked.
        dropout: probability of dropping an output on its way from one layer to the next.

    Raises:
        ValueError: the cell is none of the three, or num_layers is below 1.

    >>> outputs, state = Recurrent("gru", 3, 5, num_layers=2)(torch.zeros(4, 7, 3))
    >>> outputs.shape, len(state)
    (torch.Size([4, 7, 5]), 2)
    """

    def __init__(self, cell: str, input_size: int, hidden_size: int, num_layers: int = 1, dropout: float = 0.0):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {sorted(CELLS)}, got {cell!r}")
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, got {num_layers}")
        widths = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(CELLS[cell](width, hidden_size) for width in widths)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, inputs: Tensor, mask: Tensor | None = None, state: tuple[State, ...] | None = None
    ) -> tuple[Tensor, tuple[State, ...]]:
        """Read a batch of sequences.

        Where the mask is False the state is carried over unchanged, so a padded sequence ends in the state of
        its last real token: what torch's packed sequences compute, without the packing.

        Args:
            inputs: (B, S, D).
            mask: bool (B, S), True = real token; None = all are real.
            state: one State per layer; zeros if None.

        Returns:
            The top layer's outputs (B, S, H), and the final State of each layer.
        """
        steps = None if mask is None or bool(mask.all()) else mask.unsqueeze(-1).unbind(1)  # S of (B, 1)
        final = []
        outputs = inputs
        for depth, cell in enumerate(self.layers):
            layer_state = cell.initial_state(len(inputs)) if state is None else state[depth]
            outputs = outputs if depth == 0 else self.dropout(outputs)
            hidden = []
            for t, projected in enumerate(cell.project(outputs).unbind(1)):  # S of (B, G*H)
                new_state = cell(projected, layer_state)
                if steps is not None:
                    new_state = tuple(
                        torch.where(steps[t], new, old) for new, old in zip(new_state, layer_state, strict=True)
                    )
                layer_state = new_state
                hidden.append(layer_state[0])
            outputs = torch.stack(hidden, 1)  # (B, S, H)
            final.append(layer_state)
        return outputs, tuple(final)
