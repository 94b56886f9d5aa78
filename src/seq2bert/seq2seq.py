"""Sequence to sequence: one network reads, a vector is handed over, another network writes.

The encoder-decoder of Sutskever et al. (2014) and Cho et al. (2014). The encoder runs over the source and keeps only
its final state, the context. The decoder starts from that state and writes the target one token at a time, each time
reading the token before it: p(y | x) = prod_t p(y_t | y_<t, context).

What changed since `recurrent`: a second network, an output layer, and a search, because the output is now a sequence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from seq2bert.recurrent import CELLS, Recurrent, State, num_parameters
from seq2bert.sequences import BOS_ID, EOS_ID, PAD_ID, Vocabulary, pad, padding_mask

Pair = tuple[Iterable[str], Iterable[str]]  # a source and its target, in tokens
Batch = tuple[Tensor, Tensor, Tensor]  # source (B, S), lengths (B,), targets (B, T+1)
Context = tuple[State, ...]  # the final state of each encoder layer: all that the decoder learns of the source


@dataclass(frozen=True)
class Seq2SeqConfig:
    """Sizes of an encoder-decoder. Encoder and decoder have the same cell, width and depth.

    `reverse_source` lets the encoder read from the last token to the first, so that the beginning of the source, with
    which the target begins too, is what it read last (Sutskever et al., 2014, section 3.3).

    >>> Seq2SeqConfig.preset("tiny", source_vocab=32, target_vocab=43).num_parameters()
    42827
    """

    source_vocab: int
    target_vocab: int
    embedding_size: int = 256
    hidden_size: int = 256
    num_layers: int = 1
    cell: str = "lstm"
    dropout: float = 0.0
    reverse_source: bool = True

    def __post_init__(self):
        for name in ("source_vocab", "target_vocab", "embedding_size", "hidden_size", "num_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.cell not in CELLS:
            raise ValueError(f"cell must be one of {sorted(CELLS)}, got {self.cell!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")

    @classmethod
    def preset(cls, name: str, source_vocab: int, target_vocab: int, **changes) -> "Seq2SeqConfig":
        """A named size: "tiny" for tests, "small" for a laptop's minute, "base" for the recorded runs."""
        sizes = {
            "tiny": dict(embedding_size=32, hidden_size=64, cell="gru"),
            "small": dict(embedding_size=64, hidden_size=128, cell="gru"),
            "base": dict(embedding_size=128, hidden_size=256, dropout=0.1),
        }
        if name not in sizes:
            raise ValueError(f"preset must be one of {sorted(sizes)}, got {name!r}")
        return replace(cls(source_vocab, target_vocab, **sizes[name]), **changes)

    def num_parameters(self) -> int:
        """Trainable numbers in the model, by arithmetic; a test holds it against the module itself."""
        stack = num_parameters(self.cell, self.embedding_size, self.hidden_size, self.num_layers)
        embeddings = (self.source_vocab + self.target_vocab) * self.embedding_size
        return embeddings + 2 * stack + self.target_vocab * (self.hidden_size + 1)


def recurrent_stack(config: Seq2SeqConfig) -> Recurrent:
    """The recurrent network that encoder and decoder have one of each."""
    return Recurrent(
        config.cell,
        config.embedding_size,
        config.hidden_size,
        config.num_layers,
        config.dropout,
    )


class Encoder(nn.Module):
    """Reads the source and returns what is left of it at the end."""

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.embedding = nn.Embedding(config.source_vocab, config.embedding_size)
        self.recurrent = recurrent_stack(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, source: Tensor, mask: Tensor) -> tuple[Tensor, Context]:
        """Read a batch of sources.

        Args:
            source: (B, S) ids.
            mask: bool (B, S), True = real token.

        Returns:
            The outputs (B, S, H), and the context, a State per layer.
        """
        embedded = self.dropout(self.embedding(source))  # (B, S, E)
        return self.recurrent(embedded, mask)


class Decoder(nn.Module):
    """Writes the target, one token after another, beginning from the context."""

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.embedding = nn.Embedding(config.target_vocab, config.embedding_size)
        self.recurrent = recurrent_stack(config)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden_size, config.target_vocab)

    def forward(self, inputs: Tensor, state: Context) -> tuple[Tensor, Context]:
        """Score the next token after every prefix.

        Args:
            inputs: (B, T), the tokens before the ones to predict.
            state: the context, or the state that the previous call returned.

        Returns:
            logits (B, T, V) of the next tokens, and the state after the last one.
        """
        embedded = self.dropout(self.embedding(inputs))  # (B, T, E)
        hidden, state = self.recurrent(embedded, state=state)  # (B, T, H)
        return self.output(self.dropout(hidden)), state  # (B, T, V)


class Seq2Seq(nn.Module):
    """Encoder and decoder joined by a state of fixed size.

    >>> model = Seq2Seq(Seq2SeqConfig.preset("tiny", 10, 12))
    >>> letters = torch.ones(2, 5, dtype=torch.long)
    >>> model(letters, torch.tensor([5, 3]), letters[:, :4]).shape
    torch.Size([2, 4, 12])
    """

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, source: Tensor, lengths: Tensor) -> Context:
        """The context, all that decoding needs.

        Args:
            source: (B, S) ids, padded.
            lengths: (B,) real tokens of each source.

        Returns:
            A State per layer.
        """
        if self.config.reverse_source:
            source = reverse(source, lengths)
        mask = padding_mask(lengths, source.size(1))  # (B, S)
        _, context = self.encoder(source, mask)
        return context

    def forward(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """Score all steps at once, each after the true prefix: teacher forcing.

        Williams and Zipser (1989).

        Args:
            source: (B, S) ids, padded.
            lengths: (B,) real tokens of each source.
            inputs: (B, T), the target moved one place to the right; see `shift`.

        Returns:
            logits (B, T, V).
        """
        logits, _ = self.decoder(inputs, self.encode(source, lengths))
        return logits


def reverse(source: Tensor, lengths: Tensor) -> Tensor:
    """Turn the real tokens of each row around and leave the padding at its end: (B, S, ...) and (B,) give (B, S, ...).

    >>> reverse(torch.tensor([[7, 8, 9], [5, 6, 0]]), torch.tensor([3, 2])).tolist()
    [[9, 8, 7], [6, 5, 0]]
    """
    places = torch.arange(source.size(1), device=source.device)  # (S,)
    mirrored = lengths.unsqueeze(1) - 1 - places  # (B, S), negative on the padding
    rows = torch.arange(len(source), device=source.device).unsqueeze(1)  # (B, 1)
    return source[rows, torch.where(mirrored < 0, places, mirrored)]  # (B, S, ...)


def make_batch(pairs: Sequence[Pair], source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> Batch:
    """Pairs of tokens as tensors: source (B, S), its lengths (B,), and targets (B, T+1) between `<bos>` and `<eos>`.

    >>> letters = Vocabulary.build(["ab"])
    >>> [part.tolist() for part in make_batch([("ab", "b")], letters, letters)]
    [[[4, 5]], [2], [[1, 5, 2]]]
    """
    source, lengths = pad([source_vocabulary.encode(source) for source, _ in pairs])
    targets, _ = pad([target_vocabulary.encode(target, add_bos=True, add_eos=True) for _, target in pairs])
    return source, lengths, targets


def teacher_forcing_loss(model: Seq2Seq, batch: Batch) -> Tensor:
    """The loss of one batch, each token predicted from the true ones before it: what the training loop calls."""
    source, lengths, targets = batch
    inputs, labels = shift(targets)
    return sequence_loss(model(source, lengths, inputs), labels)


def scheduled_sampling_loss(model: Seq2Seq, batch: Batch, truth: Tensor) -> Tensor:
    """The loss when the decoder reads the true token only with probability `truth`, else the one it would have written.

    Bengio et al. (2015), section 2.4, with the best token instead of a drawn one. The labels stay the true ones, and
    no gradient flows through what was written. The steps must wait for each other, which teacher forcing spares them.
    Coins come from the global generator, as dropout's do, so that the training loop can resume.

    Args:
        model: a Seq2Seq.
        batch: as for `teacher_forcing_loss`, to which this is equal with a truth of 1.
        truth: a number from 0 to 1, the same for all steps; drawn anew for each row and step.
    """
    source, lengths, targets = batch
    inputs, labels = shift(targets)
    state = model.encode(source, lengths)
    token, steps = inputs[:, :1], []
    for true in inputs.split(1, 1):  # T of (B, 1)
        if steps:
            forced = torch.rand_like(true, dtype=torch.float) < truth  # (B, 1)
            token = torch.where(forced, true, steps[-1].argmax(-1))  # (B, 1)
        logits, state = model.decoder(token, state)  # (B, 1, V)
        steps.append(logits)
    return sequence_loss(torch.cat(steps, 1), labels)


def shift(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Cut `<bos> y1 ... yn <eos>` into what the decoder reads and what it must say.

    Args:
        targets: (B, T+1), rows `<bos> y1 ... yn <eos> <pad> ...`.

    Returns:
        inputs (B, T) = `<bos> y1 ... yn ...` and labels (B, T) = `y1 ... yn <eos> ...`: at every place the label is
        the token that follows the input.

    >>> [part.tolist() for part in shift(torch.tensor([[1, 7, 8, 2]]))]
    [[[1, 7, 8]], [[7, 8, 2]]]
    """
    if targets.dim() != 2 or targets.size(1) < 2:
        raise ValueError(f"targets must be (B, T+1) with T at least 1, got {tuple(targets.shape)}")
    return targets[:, :-1], targets[:, 1:]


def sequence_loss(logits: Tensor, labels: Tensor, pad_id: int = PAD_ID) -> Tensor:
    """Mean cross-entropy over the real tokens of the batch, in nats.

    L = - sum_t [y_t is real] log p(y_t) / sum_t [y_t is real]. Padding has no say, however much of it there is.

    Args:
        logits: (B, T, V).
        labels: (B, T) ids.
        pad_id: the label that marks padding.

    Returns:
        A scalar; nan if no label is real.

    >>> sequence_loss(torch.zeros(1, 2, 4), torch.tensor([[3, 0]])).exp().round().item()
    4.0
    """
    return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=pad_id)


@torch.no_grad()
def greedy_search(
    model: Seq2Seq,
    source: Tensor,
    lengths: Tensor,
    max_length: int,
) -> Tensor:
    """Write the most probable token at each step and never look back.

    Args:
        model: a Seq2Seq in evaluation mode.
        source: (B, S) ids, padded.
        lengths: (B,).
        max_length: tokens after which a target that has not ended is cut.

    Returns:
        ids (B, T), T at most max_length; each row ends in `<eos>` and
        then `<pad>` unless it was cut.
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1, got {max_length}")
    state = model.encode(source, lengths)
    token = source.new_full((len(source), 1), BOS_ID)  # (B, 1)
    finished = torch.zeros_like(token, dtype=torch.bool)  # (B, 1)
    written = []
    while len(written) < max_length and not finished.all():
        logits, state = model.decoder(token, state)  # (B, 1, V)
        token = logits.argmax(-1).masked_fill(finished, PAD_ID)  # (B, 1)
        finished = finished | (token == EOS_ID)
        written.append(token)
    return torch.cat(written, 1)  # (B, T)


def beam_step(scores: Tensor, log_probs: Tensor, finished: Tensor, eos_id: int = EOS_ID) -> tuple[Tensor, ...]:
    """Extend K hypotheses by every token and keep the K best of all K*V.

    A finished hypothesis has one continuation, `<eos>` again, at no cost: it waits with the score it has.

    Args:
        scores: (B, K), log-probability of each hypothesis so far.
        log_probs: (B, K, V), of the next token given each hypothesis.
        finished: bool (B, K), True where a hypothesis has written `<eos>`.
        eos_id: the id of `<eos>`.

    Returns:
        scores (B, K) in falling order; parents (B, K), the hypothesis that each one extends; tokens (B, K).

    >>> table = torch.tensor([[[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]]]).log()
    >>> _, parents, tokens = beam_step(torch.tensor([[0.6, 0.4]]).log(), table, torch.zeros(1, 2, dtype=torch.bool))
    >>> parents.tolist(), tokens.tolist()
    ([[0, 1]], [[2, 1]])
    """
    vocab = log_probs.size(-1)
    waiting = log_probs.new_full((vocab,), float("-inf"))  # (V,)
    waiting[eos_id] = 0.0
    log_probs = torch.where(finished.unsqueeze(-1), waiting, log_probs)  # (B, K, V)
    totals = scores.unsqueeze(-1) + log_probs  # (B, K, V)
    scores, best = totals.flatten(1).topk(scores.size(1))  # (B, K), best of K*V
    return scores, best // vocab, best % vocab


@torch.no_grad()
def beam_search(
    model: Seq2Seq, source: Tensor, lengths: Tensor, max_length: int, beam_size: int = 4, length_power: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Keep the `beam_size` best unfinished stories at each step instead of one (Graves, 2012; Sutskever et al., 2014).

    The whole batch is searched at once: B sources with K hypotheses each are B*K rows for the decoder. At the end
    hypotheses are ranked by log p / length^length_power, since each further token can only lower log p.

    Args:
        model: a Seq2Seq in evaluation mode.
        source: (B, S) ids, padded.
        lengths: (B,).
        max_length: tokens after which a hypothesis that has not ended is cut.
        beam_size: K; 1 gives greedy search.
        length_power: 0 ranks by log-probability, 1 by log-probability per token.

    Returns:
        ids (B, K, T) and scores (B, K), best first; rows end in `<eos>` as many times as they had to wait.

    Raises:
        ValueError: beam_size is below 1 or above the number of target tokens, or max_length is below 1.
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1, got {max_length}")
    if not 1 <= beam_size <= model.config.target_vocab:
        raise ValueError(f"beam_size must lie in [1, {model.config.target_vocab}], got {beam_size}")
    batch = len(source)
    state = model.encode(source, lengths)
    state = select_rows(state, torch.arange(batch, device=source.device).repeat_interleave(beam_size))  # B*K rows
    ids = source.new_full((batch, beam_size, 1), BOS_ID)  # (B, K, 1)
    scores = torch.full((batch, beam_size), float("-inf"), device=source.device)  # (B, K)
    scores[:, 0] = 0.0  # K equal copies would stay equal: only the first may begin
    finished = torch.zeros_like(scores, dtype=torch.bool)  # (B, K)
    first_row = torch.arange(batch, device=source.device).unsqueeze(1) * beam_size  # (B, 1)
    while ids.size(2) <= max_length and not finished.all():
        logits, state = model.decoder(ids[:, :, -1].flatten().unsqueeze(1), state)  # (B*K, 1, V)
        log_probs = logits.log_softmax(-1).view(batch, beam_size, -1)  # (B, K, V)
        scores, parents, tokens = beam_step(scores, log_probs, finished)  # (B, K) each
        state = select_rows(state, (first_row + parents).flatten())
        ids = torch.cat([ids.gather(1, parents.unsqueeze(-1).expand_as(ids)), tokens.unsqueeze(-1)], -1)
        finished = finished.gather(1, parents) | (tokens == EOS_ID)
    ids = ids[:, :, 1:]  # (B, K, T), without <bos>
    written = (ids != EOS_ID).sum(-1) + finished  # (B, K), one <eos> counts
    ranking = (scores / written**length_power).sort(-1, descending=True)
    return ids.gather(1, ranking.indices.unsqueeze(-1).expand_as(ids)), ranking.values


def write(
    model: Seq2Seq,
    sources: Sequence[Iterable[str]],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    max_length: int,
    beam_size: int = 1,
    batch_size: int = 512,
) -> list[list[str]]:
    """From tokens to tokens: the best target of every source, by greedy search or, with beam_size > 1, by beam search.

    Sources of like length are searched together; the answers come back in the order of the sources.
    """
    device = next(model.parameters()).device
    ids = [source_vocabulary.encode(source) for source in sources]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    answers: list[list[str]] = [[]] * len(ids)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        source, lengths = (tensor.to(device) for tensor in pad([ids[i] for i in rows]))
        if beam_size == 1:
            best = greedy_search(model, source, lengths, max_length)  # (B, T)
        else:
            best = beam_search(model, source, lengths, max_length, beam_size)[0][:, 0]  # (B, T)
        for i, tokens in zip(rows, best.tolist(), strict=True):
            answers[i] = target_vocabulary.decode(tokens)
    return answers


def select_rows(state: Tensor | tuple, rows: Tensor) -> Tensor | tuple:
    """Of a state, any nesting of tuples of tensors (B, ...), the chosen rows in the order chosen: rows (N,) of B."""
    return state[rows] if isinstance(state, Tensor) else tuple(select_rows(part, rows) for part in state)
