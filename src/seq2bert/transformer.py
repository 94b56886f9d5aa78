"""The Transformer: every position looks at all others at once, and nothing waits for the position before it.

What chapter 04 added to a recurrent network is all that is left here: queries, keys, values and a weighted mean
(Vaswani et al., 2017). Tokens look at each other in the encoder, at those before them in the decoder, and from the
decoder at the encoder. Order, which a recurrent network has by reading, must be told: positions are added to the
embeddings.

What changed since `attention`: no cell and no state. Loss and searches are those that there were; the decoder's state
is what it has written so far, and it reads that anew at each step (chapter 08 keeps what can be kept).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2bert.attention import scaled_dot_product_attention
from seq2bert.seq2seq import Batch, shift
from seq2bert.sequences import PAD_ID, padding_mask

Written = tuple[Tensor, Tensor, Tensor]  # what the decoder goes on from: ids (B, t), memory (B, S, D), mask (B, S)
POSITIONS = ("sinusoidal", "learned", "none")


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a Transformer.

    `norm_first` normalises what goes into a sublayer (pre-norm; Xiong et al., 2020); otherwise what comes out of the
    sum, as in the paper (post-norm).

    >>> TransformerConfig.preset("base", 37000, 37000, share_vocabularies=True).num_parameters()
    63082496
    """

    source_vocab: int
    target_vocab: int
    hidden_size: int = 512
    num_heads: int = 8
    intermediate_size: int = 2048
    num_layers: int = 6
    positions: str = "sinusoidal"
    max_positions: int = 512
    norm_first: bool = False
    dropout: float = 0.1
    share_vocabularies: bool = False  # one table of embeddings for both languages

    def __post_init__(self):
        for name in (
            *("source_vocab", "target_vocab", "hidden_size", "num_heads"),
            *("intermediate_size", "num_layers", "max_positions"),
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.hidden_size % self.num_heads:
            raise ValueError(f"num_heads must divide hidden_size {self.hidden_size}, got {self.num_heads}")
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size must be even, a sine and a cosine each, got {self.hidden_size}")
        if self.positions not in POSITIONS:
            raise ValueError(f"positions must be one of {list(POSITIONS)}, got {self.positions!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")
        if self.share_vocabularies and self.source_vocab != self.target_vocab:
            raise ValueError(
                f"share_vocabularies needs vocabularies of one size, got {self.source_vocab} and {self.target_vocab}"
            )

    @classmethod
    def preset(cls, name: str, source_vocab: int, target_vocab: int, **changes) -> "TransformerConfig":
        """A named size: "tiny" for tests, "small" for a laptop, "base" and "big" as in table 3 of the paper."""
        sizes = {
            "tiny": dict(hidden_size=32, num_heads=4, intermediate_size=64, num_layers=2),
            "small": dict(hidden_size=128, num_heads=4, intermediate_size=512, num_layers=3, norm_first=True),
            "base": dict(),
            "big": dict(hidden_size=1024, num_heads=16, intermediate_size=4096, dropout=0.3),
        }
        if name not in sizes:
            raise ValueError(f"preset must be one of {sorted(sizes)}, got {name!r}")
        return replace(cls(source_vocab, target_vocab, **sizes[name]), **changes)

    def num_parameters(self) -> int:
        """Trainable numbers in the model, by arithmetic; a test holds it against the module itself."""
        width, inner = self.hidden_size, self.intermediate_size
        attention = 4 * (width**2 + width)
        feed_forward = 2 * width * inner + inner + width
        norm = 2 * width
        encoder = attention + feed_forward + 2 * norm
        decoder = 2 * attention + feed_forward + 3 * norm
        total = self.num_layers * (encoder + decoder) + 2 * norm * self.norm_first
        total += 2 * self.max_positions * width * (self.positions == "learned")
        tables = self.source_vocab * (not self.share_vocabularies) + self.target_vocab
        return total + tables * width  # the output layer is the target's table once more


# Where a token stands -------------------------------------------------------------------------------------------------


def sinusoidal_positions(num_positions: int, width: int) -> Tensor:
    """Every position as the hands of width/2 clocks, each slower than the one before.

    PE(p, 2i) = sin(p / 10000^(2i/D)), PE(p, 2i+1) = cos(p / 10000^(2i/D)): section 3.5 of Vaswani et al. (2017). A
    step of k positions turns each clock by an angle that does not depend on where the step began.

    Args:
        num_positions: P.
        width: D, even.

    Returns:
        (P, D), numbers between -1 and 1.

    Raises:
        ValueError: the width is odd.

    >>> sinusoidal_positions(2, 2)[1].sin().shape, sinusoidal_positions(1, 4).tolist()
    (torch.Size([2]), [[0.0, 1.0, 0.0, 1.0]])
    """
    if width % 2:
        raise ValueError(f"width must be even, a sine and a cosine each, got {width}")
    speeds = 10_000.0 ** (-torch.arange(0, width, 2) / width)  # (D/2,), radians per position
    angles = torch.arange(num_positions).unsqueeze(1) * speeds  # (P, D/2)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)  # (P, D), sine and cosine in turn


class Embeddings(nn.Module):
    """A token's vector plus the vector of the place where it stands (section 3.4 and 3.5).

    Args:
        vocab: V.
        config: sizes.
        table: the embeddings of another vocabulary, to be used here too.
    """

    def __init__(self, vocab: int, config: TransformerConfig, table: nn.Embedding | None = None):
        super().__init__()
        width = config.hidden_size
        self.tokens = table or nn.Embedding(vocab, width)
        self.limit = config.max_positions
        if table is None:
            nn.init.normal_(self.tokens.weight, std=width**-0.5)  # times sqrt(D) below: as large as the positions
        if config.positions == "learned":
            self.positions = nn.Parameter(0.02 * torch.randn(config.max_positions, width))
        else:
            clocks = sinusoidal_positions(config.max_positions, width) * (config.positions == "sinusoidal")
            self.register_buffer("positions", clocks, persistent=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, S) ids give (B, S, D).

        Raises:
            ValueError: the sequence is longer than there are positions.
        """
        if ids.size(1) > self.limit:
            raise ValueError(f"a sequence of {ids.size(1)} tokens is longer than max_positions {self.limit}")
        scaled = self.tokens(ids) * self.tokens.embedding_dim**0.5  # (B, S, D)
        return self.dropout(scaled + self.positions[: ids.size(1)])


# Several looks at once ------------------------------------------------------------------------------------------------


class MultiHeadAttention(nn.Module):
    """Several small attentions side by side, each with its own view of queries, keys and values.

    MultiHead(Q, K, V) = Concat(head_1, ..., head_H) W_O, section 3.2.2. One head's weights sum to 1, so it can only
    take a mean; several can look at several places at once.

    Args:
        hidden_size: D.
        num_heads: H; each head is D/H wide.
        dropout: probability of dropping a weight.

    Raises:
        ValueError: the heads do not divide the width.
    """

    def __init__(self, hidden_size: int, num_heads: int, dropout: float = 0.0):
        super().__init__()
        if hidden_size % num_heads:
            raise ValueError(f"num_heads must divide hidden_size {hidden_size}, got {num_heads}")
        self.num_heads, self.dropout = num_heads, dropout
        self.query, self.key, self.value, self.output = (nn.Linear(hidden_size, hidden_size) for _ in range(4))

    def split(self, hidden: Tensor) -> Tensor:
        """Deal the width out to the heads: (B, T, D) gives (B, H, T, D/H)."""
        return hidden.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, hidden: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """What each position finds.

        Args:
            hidden: (B, T, D), who asks.
            memory: (B, S, D), who is asked; in self-attention the same.
            mask: bool, broadcastable to (B, H, T, S), True = may be looked at; None = all may.

        Returns:
            (B, T, D).
        """
        query, key, value = self.split(self.query(hidden)), self.split(self.key(memory)), self.split(self.value(memory))
        dropout = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(query, key, value, mask, dropout)  # (B, H, T, D/H), torch's fused kernel
        return self.output(found.transpose(1, 2).flatten(2))  # (B, T, D)

    def weights(self, hidden: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Where each head looks, which the fused kernel does not tell: weights (B, H, T, S)."""
        query, key = self.split(self.query(hidden)), self.split(self.key(memory))
        return scaled_dot_product_attention(query, key, key, mask)[1]


def causal_mask(size: int, device: torch.device | None = None) -> Tensor:
    """A position may look at itself and at those before it: bool (T, T).

    >>> causal_mask(3).int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return torch.ones(size, size, dtype=torch.bool, device=device).tril()


# Layers ---------------------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """Adds what a sublayer found to what it was given, and normalises: before the sublayer, or after the sum.

    Post-norm, LayerNorm(x + f(x)), is the paper's; pre-norm, x + f(LayerNorm(x)), leaves a path from the last layer to
    the first on which nothing is changed, and trains without a warm-up (Xiong et al., 2020).
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden_size)
        self.norm_first = config.norm_first
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """(B, T, D) in, (B, T, D) out."""
        if self.norm_first:
            return hidden + self.dropout(sublayer(self.norm(hidden)))
        return self.norm(hidden + self.dropout(sublayer(hidden)))


class EncoderLayer(nn.Module):
    """Positions look at each other, then each thinks by itself (section 3.1)."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        width = config.hidden_size
        self.attention = MultiHeadAttention(width, config.num_heads, config.dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, config.intermediate_size),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.intermediate_size, width),
        )
        self.add_attention, self.add_feed_forward = Residual(config), Residual(config)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, S, D), and a mask broadcastable to (B, H, S, S), give (B, S, D)."""
        hidden = self.add_attention(hidden, lambda x: self.attention(x, x, mask))
        return self.add_feed_forward(hidden, self.feed_forward)


class DecoderLayer(EncoderLayer):
    """Between the look at its own positions and the thinking, a look at the encoder's memory (section 3.1)."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.cross_attention = MultiHeadAttention(config.hidden_size, config.num_heads, config.dropout)
        self.add_cross_attention = Residual(config)

    def forward(self, hidden: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        """(B, T, D), a mask for (B, H, T, T), memory (B, S, D) and a mask for (B, H, T, S) give (B, T, D)."""
        hidden = self.add_attention(hidden, lambda x: self.attention(x, x, mask))
        hidden = self.add_cross_attention(hidden, lambda x: self.cross_attention(x, memory, memory_mask))
        return self.add_feed_forward(hidden, self.feed_forward)


# The model ------------------------------------------------------------------------------------------------------------


class TransformerEncoder(nn.Module):
    """Embeddings and a stack of encoder layers."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.embeddings = Embeddings(config.source_vocab, config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.hidden_size) if config.norm_first else nn.Identity()

    def forward(self, source: Tensor, mask: Tensor) -> Tensor:
        """(B, S) ids and their mask, bool (B, S), give the memory (B, S, D)."""
        hidden = self.embeddings(source)
        for layer in self.layers:
            hidden = layer(hidden, mask[:, None, None])  # one mask for all heads and all who ask
        return self.norm(hidden)


class TransformerDecoder(nn.Module):
    """Embeddings, a stack of decoder layers, and the embeddings again to score the next token (section 3.4)."""

    def __init__(self, config: TransformerConfig, table: nn.Embedding | None = None):
        super().__init__()
        self.embeddings = Embeddings(config.target_vocab, config, table)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.hidden_size) if config.norm_first else nn.Identity()

    def forward(self, inputs: Tensor, state: Written) -> tuple[Tensor, Written]:
        """Score the next token after every prefix: inputs (B, T) give logits (B, T, V), and the state after them."""
        before, memory, mask = state
        ids = torch.cat([before, inputs], 1)  # (B, t+T), all that was written
        hidden = self.embeddings(ids)  # (B, t+T, D)
        causal = causal_mask(ids.size(1), ids.device)
        for layer in self.layers:
            hidden = layer(hidden, causal, memory, mask[:, None, None])
        hidden = self.norm(hidden[:, before.size(1) :])  # (B, T, D), of these the score was asked
        return hidden @ self.embeddings.tokens.weight.T, (ids, memory, mask)  # (B, T, V)


class Transformer(nn.Module):
    """An encoder-decoder without recurrence. It offers what losses and searches ask of `seq2seq.Seq2Seq`.

    >>> model = Transformer(TransformerConfig.preset("tiny", 10, 12))
    >>> letters = torch.ones(2, 5, dtype=torch.long)
    >>> model(letters, torch.tensor([5, 3]), letters[:, :4]).shape
    torch.Size([2, 4, 12])
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        self.encoder = TransformerEncoder(config)
        table = self.encoder.embeddings.tokens if config.share_vocabularies else None
        self.decoder = TransformerDecoder(config, table)
        for weight in (p for name, p in self.named_parameters() if p.dim() == 2 and "embeddings" not in name):
            nn.init.xavier_uniform_(weight)

    def encode(self, source: Tensor, lengths: Tensor) -> Written:
        """All that decoding needs: nothing written yet, the memory (B, S, D), and its mask (B, S)."""
        mask = padding_mask(lengths, source.size(1))
        return source[:, :0], self.encoder(source, mask), mask

    def forward(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """Score all steps at once, each after the true prefix: (B, S), (B,) and (B, T) give logits (B, T, V)."""
        return self.decoder(inputs, self.encode(source, lengths))[0]


@torch.no_grad()
def attention_maps(model: nn.Module, *arguments: Tensor) -> dict[str, Tensor]:
    """Where every head of a model looks while it reads its arguments.

    Returns:
        For each MultiHeadAttention, under its name in the model, the weights (B, H, T, S).
    """
    maps: dict[str, Tensor] = {}

    def keep(name: str, module: MultiHeadAttention, inputs: tuple, _: Tensor) -> None:
        maps[name] = module.weights(*inputs)

    hooks = [
        module.register_forward_hook(partial(keep, name))
        for name, module in model.named_modules()
        if isinstance(module, MultiHeadAttention)
    ]
    try:
        model(*arguments)
    finally:
        for hook in hooks:
            hook.remove()
    return maps


# Training -------------------------------------------------------------------------------------------------------------


def smoothed_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.1, pad_id: int = PAD_ID) -> Tensor:
    """Cross-entropy against a label that leaves a little to every token (section 5.4; Szegedy et al., 2016).

    The target is 1 - e on the label plus e / V on each of the V tokens, so that the model is never asked to be
    infinitely sure. With e = 0 it is `seq2seq.sequence_loss`.

    Args:
        logits: (B, T, V).
        labels: (B, T) ids.
        smoothing: e, in [0, 1].
        pad_id: the label that marks padding.

    Returns:
        A scalar in nats, the mean over real labels; nan if no label is real.

    Raises:
        ValueError: smoothing is not in [0, 1].

    >>> round(smoothed_loss(torch.zeros(1, 2, 4), torch.tensor([[3, 0]])).exp().item(), 4)
    4.0
    """
    if not 0 <= smoothing <= 1:
        raise ValueError(f"smoothing must lie in [0, 1], got {smoothing}")
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=pad_id, label_smoothing=smoothing)


def label_smoothing_loss(model: Transformer, batch: Batch) -> Tensor:
    """The smoothed loss of one batch with teacher forcing: what the training loop calls."""
    source, lengths, targets = batch
    inputs, labels = shift(targets)
    return smoothed_loss(model(source, lengths, inputs), labels)


def warmup_rate(step: int, hidden_size: int, warmup_steps: int = 4000) -> float:
    """The paper's learning rate at a step: up in a straight line, then down with the square root (eq. 3).

    D^-0.5 min(step^-0.5, step warmup^-1.5), steps counted from 1.

    >>> round(warmup_rate(4000, 512), 6)
    0.000699
    """
    if step < 1:
        raise ValueError(f"step must be at least 1, got {step}")
    return hidden_size**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)
