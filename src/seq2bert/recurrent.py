"""Recurrent networks, one cell at a time: RNN, GRU and LSTM, and the loop that carries their state.

A recurrent network reads a sequence from left to right and keeps what it needs in a state of fixed size:
`state_t = cell(x_t, state_{t-1})`. The three cells differ only in how the new state is made from the old one:

    RNN   overwrites it        h' = tanh(W x + U h + b)                  (Elman, 1990)
    GRU   blends into it       h' = (1 - z) n + z h                      (Cho et al., 2014, eq. 5-8)
    LSTM  adds to a memory     c' = f c + i g,   h' = o tanh(c')         (Hochreiter and Schmidhuber, 1997)

Weights have torch's names, shapes and gate order (`weight_ih`, `weight_hh`, ...), so that ours can be held against
`torch.nn.RNN`, `GRU` and `LSTM` number by number.

What changed since `sequences`: a model no longer looks its context up in a table. It computes it, so a context need not
have been seen; and how far back it reaches is nowhere written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from seq2bert.sequences import BOS_ID, PAD_ID

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


def num_parameters(cell: str, input_size: int, hidden_size: int, num_layers: int) -> int:
    """Trainable numbers of a `Recurrent`: in each layer and gate two matrices and two biases.

    >>> num_parameters("lstm", 3, 5, 2)
    440
    """
    widths = [input_size] + [hidden_size] * (num_layers - 1)
    return sum(CELLS[cell].num_gates * hidden_size * (width + hidden_size + 2) for width in widths)


# A language model -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecurrentLMConfig:
    """Sizes of a recurrent language model.

    >>> RecurrentLMConfig.preset("base", vocab_size=8192).num_parameters()
    2631680
    """

    vocab_size: int
    width: int = 256
    num_layers: int = 1
    cell: str = "lstm"
    dropout: float = 0.0

    def __post_init__(self):
        for name in ("vocab_size", "width", "num_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.cell not in CELLS:
            raise ValueError(f"cell must be one of {sorted(CELLS)}, got {self.cell!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")

    @classmethod
    def preset(cls, name: str, vocab_size: int, **changes) -> "RecurrentLMConfig":
        """A named size: "tiny" for tests, "small" for a page's seconds, "base" for the ladder."""
        sizes = {"tiny": dict(width=32), "small": dict(width=128), "base": dict(width=256)}
        if name not in sizes:
            raise ValueError(f"preset must be one of {sorted(sizes)}, got {name!r}")
        return replace(cls(vocab_size, **sizes[name]), **changes)

    def num_parameters(self) -> int:
        """Trainable numbers in the model, by arithmetic; a test holds it against the module itself."""
        stack = num_parameters(self.cell, self.width, self.width, self.num_layers)
        return self.vocab_size * (self.width + 1) + stack


class RecurrentLanguageModel(nn.Module):
    """p(w_t | w_<t) = softmax(E h_t + b), where h_t has read all that came before w_t (Mikolov et al., 2010).

    E, the rows that turn a state into scores, are the embeddings themselves: a token is probable where the state is
    like its vector. That halves the parameters, and mostly helps (Press and Wolf, 2017).

    >>> model = RecurrentLanguageModel(RecurrentLMConfig.preset("tiny", 50))
    >>> model(torch.ones(2, 7, dtype=torch.long))[0].shape
    torch.Size([2, 7, 50])
    """

    def __init__(self, config: RecurrentLMConfig):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.recurrent = Recurrent(config.cell, config.width, config.width, config.num_layers, config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        nn.init.normal_(self.embedding.weight, std=config.width**-0.5)  # so that the first scores are near 0

    def forward(self, inputs: Tensor, state: tuple[State, ...] | None = None) -> tuple[Tensor, tuple[State, ...]]:
        """Score what may follow every token.

        Args:
            inputs: (B, T) ids.
            state: what an earlier call returned, to read on from there; None = the beginning.

        Returns:
            logits (B, T, V), and the final State of each layer.
        """
        hidden, state = self.recurrent(self.dropout(self.embedding(inputs)), state=state)  # (B, T, H)
        return nn.functional.linear(self.dropout(hidden), self.embedding.weight, self.bias), state  # (B, T, V)

    def log_probs(self, ids: Tensor) -> Tensor:
        """Log-probability of every token given those before it in its row: what the ladder asks of a language model.

        Args:
            ids: (B, T), without `<bos>`; padding is scored, too, and is for the caller to leave out.

        Returns:
            (B, T), in nats.
        """
        ids = ids.to(self.bias.device)
        logits, _ = self(after_bos(ids))
        return -nn.functional.cross_entropy(logits.mT, ids, reduction="none")  # (B, T)


def after_bos(ids: Tensor) -> Tensor:
    """What a language model reads in order to predict `ids`: the same, one place later, (B, T).

    >>> after_bos(torch.tensor([[7, 8, 9]])).tolist()
    [[1, 7, 8]]
    """
    return nn.functional.pad(ids[:, :-1], (1, 0), value=BOS_ID)


def next_token_loss(model: RecurrentLanguageModel, ids: Tensor) -> Tensor:
    """Mean surprise over the real tokens of a padded batch (B, T), in nats: what the training loop calls."""
    logits, _ = model(after_bos(ids))
    return nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=PAD_ID)


# Gradients through time -----------------------------------------------------------------------------------------------


def truncated_backward(model: RecurrentLanguageModel, ids: Tensor, span: int) -> float:
    """Backpropagate through at most `span` steps: the state is carried on, its gradient is not.

    Truncated backpropagation through time (Williams and Peng, 1990). Only one span's activations are kept at a time,
    so memory does not grow with the length of the text. Gradients are added to those that the parameters have.

    Args:
        model: the language model.
        ids: (B, T), padded.
        span: steps from one cut to the next; T or more cuts nothing.

    Returns:
        The loss, as `next_token_loss` gives it: cutting changes the gradient alone.
    """
    if span < 1:
        raise ValueError(f"span must be at least 1, got {span}")
    real = (ids != PAD_ID).sum()
    state, total = None, 0.0
    for inputs, labels in zip(after_bos(ids).split(span, 1), ids.split(span, 1), strict=True):
        logits, state = model(inputs, state)
        surprise = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=PAD_ID, reduction="sum"
        )
        (surprise / real).backward()
        state = tuple(tuple(part.detach() for part in layer) for layer in state)  # the cut
        total += surprise.item() / real.item()
    return total


def clip_gradients(gradients: Sequence[Tensor], max_norm: float) -> tuple[list[Tensor], Tensor]:
    """Scale all gradients together so that their common norm is at most `max_norm`; their direction stays.

    g min(1, max_norm / |g|), where |g| is the norm of all of them as one long vector (Pascanu et al., 2013). The
    training loop calls torch's `clip_grad_norm_`, which does the same in place.

    Args:
        gradients: tensors of any shapes.
        max_norm: the longest that is allowed, above 0.

    Returns:
        New tensors, and the norm before clipping.

    >>> clipped, norm = clip_gradients([torch.tensor([3.0]), torch.tensor([4.0])], max_norm=1.0)
    >>> [round(g.item(), 6) for g in clipped], norm.item()
    ([0.6, 0.8], 5.0)
    """
    if max_norm <= 0:
        raise ValueError(f"max_norm must be above 0, got {max_norm}")
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()  # ()
    factor = (max_norm / norm).clamp(max=1.0)
    return [gradient * factor for gradient in gradients], norm
