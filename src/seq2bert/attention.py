"""Attention: the decoder looks back at all that the encoder has read, and at each step chooses what it needs.

The encoder keeps its output at every position, the memory (B, S, H). At each step the decoder gives every position a
score, turns the scores into weights that sum to 1, and takes the weighted mean of the memory (Bahdanau et al., 2015;
Luong et al., 2015).

What changed since `seq2seq`: the encoder reads from both ends and keeps all its outputs; the decoder's state carries
the memory along; between its cell and its output layer stands a look back. Loss and searches are those that there were.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seq2bert.recurrent import Recurrent, num_parameters
from seq2bert.seq2seq import Context, Decoder, Seq2Seq, Seq2SeqConfig, reverse
from seq2bert.sequences import padding_mask

Memory = tuple[Context, Tensor, Tensor]  # what the decoder starts from: context, outputs (B, S, H), mask (B, S)

# How well does a position answer? ------------------------------------------------------------------------------------


class DotScore(nn.Module):
    """q . m: as alike as they point (Luong et al., 2015, eq. 8, dot). Nothing is learnt here."""

    def __init__(self, width: int):
        super().__init__()

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """(B, T, H) and (B, S, H) give the scores (B, T, S)."""
        return query @ memory.mT


class GeneralScore(nn.Module):
    """q . W m: alike after a learnt change of view (Luong et al., 2015, eq. 8, general)."""

    def __init__(self, width: int):
        super().__init__()
        self.key = nn.Linear(width, width, bias=False)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """(B, T, H) and (B, S, H) give the scores (B, T, S)."""
        return query @ self.key(memory).mT


class AdditiveScore(nn.Module):
    """v . tanh(W q + U m): a small network is asked about every pair (Bahdanau et al., 2015, section A.1.2)."""

    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, 1, bias=False)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """(B, T, H) and (B, S, H) give the scores (B, T, S)."""
        pairs = self.query(query).unsqueeze(2) + self.key(memory).unsqueeze(1)  # (B, T, S, H)
        return self.value(pairs.tanh()).squeeze(-1)  # (B, T, S)


class ConcatScore(nn.Module):
    """v . tanh(W [q; m]) (Luong et al., 2015, eq. 8, concat).

    A matrix times two vectors that stand one above the other is the sum of its two halves times one each, so this is
    the additive score with other names. It is written out here as it is written there, and costs more.
    """

    def __init__(self, width: int):
        super().__init__()
        self.pair = nn.Linear(2 * width, width, bias=False)
        self.value = nn.Linear(width, 1, bias=False)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """(B, T, H) and (B, S, H) give the scores (B, T, S)."""
        shape = (-1, query.size(1), memory.size(1), -1)
        pairs = torch.cat([query.unsqueeze(2).expand(shape), memory.unsqueeze(1).expand(shape)], -1)  # (B, T, S, 2H)
        return self.value(self.pair(pairs).tanh()).squeeze(-1)  # (B, T, S)


SCORES = {"dot": DotScore, "general": GeneralScore, "additive": AdditiveScore, "concat": ConcatScore}

# From scores to a look back ------------------------------------------------------------------------------------------


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Weights that sum to 1 over the allowed positions, and are 0 on all others.

    Args:
        scores: (..., S).
        mask: bool, broadcastable to the scores; True = may be looked at.

    Returns:
        Weights like the scores.

    Raises:
        ValueError: somewhere nothing may be looked at; its softmax is undefined.

    >>> masked_softmax(torch.zeros(1, 3), torch.tensor([[True, True, False]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    if not mask.any(-1).all():
        raise ValueError("a row of the mask allows no position; its softmax is undefined")
    return scores.masked_fill(~mask, float("-inf")).softmax(-1)  # mask first: what is masked has no part in the sum


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Mix the values by how well each key answers each query.

    softmax(Q K^T / sqrt(D)) V, equation 1 of Vaswani et al. (2017). Dot products of random vectors grow like sqrt(D);
    divided by it they stay where a softmax can still choose. Chapter 5 is built on this one function.

    Args:
        query: (..., T, D), what each target position asks for.
        key: (..., S, D), what each source position offers.
        value: (..., S, E), what each source position gives.
        mask: bool, broadcastable to (..., T, S), True = may be looked at; None = all may.

    Returns:
        The mixtures (..., T, E), and the weights (..., T, S), each row of which sums to 1.

    Raises:
        ValueError: query and key differ in width, or a row of the mask allows nothing.

    >>> mixed, weights = scaled_dot_product_attention(*torch.ones(3, 1, 2, 4))
    >>> weights.tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    if query.size(-1) != key.size(-1):
        raise ValueError(f"query width {query.size(-1)} and key width {key.size(-1)} must be equal")
    scores = query @ key.mT / query.size(-1) ** 0.5  # (..., T, S)
    weights = scores.softmax(-1) if mask is None else masked_softmax(scores, mask)  # (..., T, S)
    return weights @ value, weights  # (..., T, E)


class Attention(nn.Module):
    """Look back at all positions: score them, weigh them, take the mean.

    Args:
        score: "dot", "general", "additive" or "concat".
        width: H, of queries and memory.
    """

    def __init__(self, score: str, width: int):
        super().__init__()
        self.score = SCORES[score](width)

    def forward(self, query: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What each query finds.

        Args:
            query: (B, T, H), states of the decoder.
            memory: (B, S, H), outputs of the encoder.
            mask: bool (B, S), True = a real source token.

        Returns:
            Contexts (B, T, H), and the weights (B, T, S).
        """
        weights = masked_softmax(self.score(query, memory), mask.unsqueeze(1))  # (B, T, S)
        return weights @ memory, weights


class LocalAttention(Attention):
    """Look back at a window only, around a place that is predicted from the query.

    p = S sigma(v . tanh(W q)), and the weights of the window's softmax fade with the distance from p like a bell of
    standard deviation window / 2 (Luong et al., 2015, eq. 9 and 10, local-p). They sum to less than 1.
    """

    def __init__(self, score: str, width: int, window: int):
        super().__init__(score, width)
        self.window = window
        self.place = nn.Sequential(nn.Linear(width, width, bias=False), nn.Tanh(), nn.Linear(width, 1, bias=False))

    def forward(self, query, memory, mask):
        lengths = mask.sum(-1)[:, None, None]  # (B, 1, 1)
        centre = lengths * self.place(query).sigmoid()  # (B, T, 1), between 0 and S
        distance = torch.arange(memory.size(1), device=memory.device) - centre  # (B, T, S)
        near = mask.unsqueeze(1) & (distance.abs() <= self.window)  # (B, T, S)
        bell = (-distance.square() / (2 * (self.window / 2) ** 2)).exp()  # (B, T, S)
        weights = masked_softmax(self.score(query, memory), near) * bell  # (B, T, S)
        return weights @ memory, weights


# The model -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttentionConfig(Seq2SeqConfig):
    """Sizes of an encoder-decoder that looks back.

    `score` "none" leaves the look back out: the same encoder, and a decoder that starts from its last state alone. That
    is the control of all comparisons. `window` makes the look back local. `looks_first` asks with the state *before* a
    token is read, as Bahdanau et al. do; otherwise with the state after it, as Luong et al. do.

    >>> AttentionConfig.preset("tiny", source_vocab=32, target_vocab=43).num_parameters()
    53131
    """

    reverse_source: bool = False  # it reads from both ends
    score: str = "additive"
    window: int = 0
    looks_first: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.score not in ("none", *SCORES):
            raise ValueError(f"score must be one of {['none', *SCORES]}, got {self.score!r}")
        if self.reverse_source:
            raise ValueError("reverse_source must be False: this encoder reads from both ends")
        if self.window < 0:
            raise ValueError(f"window must be at least 0, got {self.window}")
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size must be even, one half for each direction, got {self.hidden_size}")

    def num_parameters(self) -> int:
        """Trainable numbers in the model, by arithmetic; a test holds it against the module itself."""
        width, embedded = self.hidden_size, self.embedding_size
        total = (self.source_vocab + self.target_vocab) * embedded + self.target_vocab * (width + 1)
        total += 2 * num_parameters(self.cell, embedded, width // 2, self.num_layers)  # the encoder
        if self.score == "none":
            return total + num_parameters(self.cell, embedded, width, self.num_layers)
        look = {"dot": 0, "general": width**2, "additive": 2 * width**2 + width, "concat": 2 * width**2 + width}
        total += look[self.score] + 2 * width**2 + (width**2 + width if self.window else 0)
        return total + num_parameters(self.cell, embedded + width * self.looks_first, width, self.num_layers)


class BidirectionalEncoder(nn.Module):
    """Two readers of half the width, one from each end, so that every output knows both sides of its token.

    Schuster and Paliwal (1997); section 3.2 of Bahdanau et al. (2015).
    """

    def __init__(self, config: AttentionConfig):
        super().__init__()
        self.embedding = nn.Embedding(config.source_vocab, config.embedding_size)
        half = (config.cell, config.embedding_size, config.hidden_size // 2, config.num_layers, config.dropout)
        self.forwards, self.backwards = Recurrent(*half), Recurrent(*half)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, source: Tensor, lengths: Tensor) -> Memory:
        """Read a batch of sources: (B, S) ids, padded, and their lengths (B,).

        Returns:
            The context, a State per layer; the outputs (B, S, H); and the mask (B, S), True = real.
        """
        mask = padding_mask(lengths, source.size(1))  # (B, S)
        right, last = self.forwards(self.dropout(self.embedding(source)), mask)  # (B, S, H/2)
        left, first = self.backwards(self.dropout(self.embedding(reverse(source, lengths))), mask)  # (B, S, H/2)
        outputs = torch.cat([right, reverse(left, lengths)], -1)  # (B, S, H)
        context = tuple(
            tuple(torch.cat(halves, -1) for halves in zip(*layers, strict=True))
            for layers in zip(last, first, strict=True)
        )
        return context, outputs, mask


class AttentionDecoder(Decoder):
    """Reads a token, then looks back, then speaks: score, look, speak (Luong et al., 2015, section 3).

    h~ = tanh(W_c [c; h]), eq. 5; the scores of the next token are made of h~. What was found is not told to the next
    step, so in training all steps are taken at once.
    """

    def __init__(self, config: AttentionConfig):
        super().__init__(config)
        width = config.hidden_size
        self.attention = (
            LocalAttention(config.score, width, config.window) if config.window else Attention(config.score, width)
        )
        self.combine = nn.Linear(2 * width, width, bias=False)

    def forward(self, inputs: Tensor, state: Memory) -> tuple[Tensor, Memory]:
        """Score the next token after every prefix: inputs (B, T) give logits (B, T, V), and the state after them."""
        hidden, _, state = self.read(inputs, state)
        return self.output(self.dropout(hidden)), state  # (B, T, V)

    def read(self, inputs: Tensor, state: Memory) -> tuple[Tensor, Tensor, Memory]:
        """What is spoken from (B, T, H), where was looked (B, T, S), and the state after the last token."""
        context, memory, mask = state
        hidden, context = self.recurrent(self.dropout(self.embedding(inputs)), state=context)  # (B, T, H)
        found, weights = self.attention(hidden, memory, mask)  # (B, T, H), (B, T, S)
        return self.combine(torch.cat([found, hidden], -1)).tanh(), weights, (context, memory, mask)


class LookingFirstDecoder(AttentionDecoder):
    """Looks back with the state it has, and reads the next token together with what it found (Bahdanau et al., 2015).

    What was found enters the cell, so each step must wait for the one before.
    """

    def __init__(self, config: AttentionConfig):
        super().__init__(config)
        self.recurrent = Recurrent(
            config.cell,
            config.embedding_size + config.hidden_size,
            config.hidden_size,
            config.num_layers,
            config.dropout,
        )

    def read(self, inputs, state):
        context, memory, mask = state
        spoken, looks = [], []
        for embedded in self.dropout(self.embedding(inputs)).split(1, 1):  # T of (B, 1, E)
            asked = context[-1][0].unsqueeze(1)  # (B, 1, H), the top layer's state before the token
            found, weights = self.attention(asked, memory, mask)  # (B, 1, H), (B, 1, S)
            hidden, context = self.recurrent(torch.cat([embedded, found], -1), state=context)  # (B, 1, H)
            spoken.append(self.combine(torch.cat([found, hidden], -1)).tanh())
            looks.append(weights)
        return torch.cat(spoken, 1), torch.cat(looks, 1), (context, memory, mask)


class AttentionSeq2Seq(Seq2Seq):
    """An encoder-decoder that looks back, or with score "none" the same without.

    >>> model = AttentionSeq2Seq(AttentionConfig.preset("tiny", 10, 12))
    >>> letters = torch.ones(2, 5, dtype=torch.long)
    >>> model(letters, torch.tensor([5, 3]), letters[:, :4]).shape
    torch.Size([2, 4, 12])
    """

    def __init__(self, config: AttentionConfig):
        super().__init__(config)
        self.encoder = BidirectionalEncoder(config)
        if config.score != "none":
            self.decoder = LookingFirstDecoder(config) if config.looks_first else AttentionDecoder(config)

    def encode(self, source: Tensor, lengths: Tensor) -> Memory | Context:
        """All that decoding needs: context, memory and mask; of these, without a look back, the context alone."""
        memory = self.encoder(source, lengths)
        return memory[0] if self.config.score == "none" else memory

    @torch.no_grad()
    def alignment(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """Where each step looks while it reads `inputs` (B, T): weights (B, T, S)."""
        return self.decoder.read(inputs, self.encode(source, lengths))[1]
