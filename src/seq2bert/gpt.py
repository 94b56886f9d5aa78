"""GPT: a Transformer that reads from left to right, learns from text alone, and then takes what it knows to a task.

Of chapter 05's Transformer the decoder is left, and of the decoder all but its look at a source. What remains is a
stack of causal self-attention that guesses the next token (Radford et al., 2018). The arrangement is that of GPT-2
(Radford et al., 2019): norms before the sublayers and one at the end, GELU, learned positions, one table to read and to
write.

What changed since `transformer`: no encoder; keys and values of what was read are kept, so that a new token costs one
step and not a whole reading. What changed since `elmo`: one direction and not two, but every layer sees all that was
read, and the whole network learns the task, not only a small one on top.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2bert.attention import scaled_dot_product_attention
from seq2bert.recurrent import after_bos
from seq2bert.seq2seq import sequence_loss
from seq2bert.sequences import BOS_ID, EOS_ID, PAD_ID
from seq2bert.transformer import MultiHeadAttention, causal_mask

Kept = tuple[Tensor, Tensor]  # keys and values of one layer, (B, H, t, D/H) each


@dataclass(frozen=True)
class GPTConfig:
    """Sizes of a GPT.

    >>> GPTConfig.preset("gpt2", vocab_size=50257).num_parameters()
    124439808
    """

    vocab_size: int
    hidden_size: int = 768
    num_heads: int = 12
    num_layers: int = 12
    max_positions: int = 1024
    dropout: float = 0.1

    def __post_init__(self):
        for name in ("vocab_size", "hidden_size", "num_heads", "num_layers", "max_positions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.hidden_size % self.num_heads:
            raise ValueError(f"num_heads must divide hidden_size {self.hidden_size}, got {self.num_heads}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")

    @classmethod
    def preset(cls, name: str, vocab_size: int, **changes) -> "GPTConfig":
        """A named size: "tiny" for tests, "small" for a page's seconds, "base" for the ladder, and OpenAI's "gpt2"."""
        sizes = {
            "tiny": dict(hidden_size=32, num_heads=4, num_layers=2, max_positions=64, dropout=0.0),
            "small": dict(hidden_size=128, num_heads=4, num_layers=2, max_positions=128, dropout=0.0),
            "base": dict(hidden_size=256, num_heads=4, num_layers=4, max_positions=128, dropout=0.0),
            "gpt2": dict(),
        }
        if name not in sizes:
            raise ValueError(f"preset must be one of {sorted(sizes)}, got {name!r}")
        return replace(cls(vocab_size, **sizes[name]), **changes)

    def num_parameters(self) -> int:
        """Trainable numbers in the model, by arithmetic; a test holds it against the module itself."""
        width = self.hidden_size
        attention = 4 * (width**2 + width)
        feed_forward = 8 * width**2 + 5 * width
        norm = 2 * width
        tables = (self.vocab_size + self.max_positions) * width
        return tables + self.num_layers * (attention + feed_forward + 2 * norm) + norm


# The model ------------------------------------------------------------------------------------------------------------


class CausalSelfAttention(MultiHeadAttention):
    """Chapter 05's heads, which may look at themselves and back, and can go on from what they have kept."""

    def forward(self, hidden: Tensor, kept: Kept | None = None) -> tuple[Tensor, Kept]:
        """What each position finds at itself and before.

        Args:
            hidden: (B, T, D), the newest T positions.
            kept: keys and values of the t positions before them; None = there are none.

        Returns:
            (B, T, D), and the keys and values of all t+T positions.
        """
        query, key, value = (self.split(project(hidden)) for project in (self.query, self.key, self.value))
        if kept is not None:
            key, value = torch.cat([kept[0], key], 2), torch.cat([kept[1], value], 2)  # (B, H, t+T, D/H)
        dropout = self.dropout if self.training else 0.0
        if kept is None:
            found = F.scaled_dot_product_attention(query, key, value, None, dropout, is_causal=True)
        else:
            found = F.scaled_dot_product_attention(query, key, value, newest_rows(query, key), dropout)
        return self.output(found.transpose(1, 2).flatten(2)), (key, value)  # (B, T, D)

    def weights(self, hidden: Tensor, kept: Kept | None = None) -> Tensor:
        """Where each head looks, which the fused kernel does not tell: weights (B, H, T, t+T)."""
        query, key = self.split(self.query(hidden)), self.split(self.key(hidden))
        if kept is not None:
            key = torch.cat([kept[0], key], 2)
        return scaled_dot_product_attention(query, key, key, newest_rows(query, key))[1]


def newest_rows(query: Tensor, key: Tensor) -> Tensor:
    """The causal mask of those who ask, the newest T of t+T positions: bool (T, t+T)."""
    return causal_mask(key.size(2), key.device)[-query.size(2) :]


class Block(nn.Module):
    """Chapter 05's decoder layer with its norms first, GELU for ReLU, and no look at a source."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        width = config.hidden_size
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = CausalSelfAttention(width, config.num_heads, config.dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(approximate="tanh"),  # as in GPT-2's code; BERT has the exact one
            nn.Linear(4 * width, width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, kept: Kept | None = None) -> tuple[Tensor, Kept]:
        """(B, T, D), and the keys and values of the t positions before, give (B, T, D) and those of all t+T."""
        found, kept = self.attention(self.attention_norm(hidden), kept)
        hidden = hidden + self.dropout(found)
        return hidden + self.dropout(self.feed_forward(self.feed_forward_norm(hidden))), kept


class GPT(nn.Module):
    """p(w_t | w_<t) = softmax(E h_t), where h_t has looked at all that came before w_t in every layer.

    It offers what chapter 02's language model does: logits and a state from which to read on. The state is what the
    attention has computed of the tokens so far, their keys and values.

    >>> model = GPT(GPTConfig.preset("tiny", 50))
    >>> model(torch.ones(2, 7, dtype=torch.long))[0].shape
    torch.Size([2, 7, 50])
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.positions = nn.Embedding(config.max_positions, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                # What is added to the residual path, twice a layer, starts smaller the more layers add to it.
                adds = name.endswith(("attention.output.weight", "feed_forward.2.weight"))
                nn.init.normal_(parameter, std=0.02 * ((2 * config.num_layers) ** -0.5 if adds else 1))

    def read(self, ids: Tensor, state: tuple[Kept, ...] | None = None) -> tuple[Tensor, tuple[Kept, ...]]:
        """What the model makes of each token and those before it.

        Args:
            ids: (B, T).
            state: what an earlier call returned, to read on from there; None = the beginning.

        Returns:
            (B, T, D), and the state after them.

        Raises:
            ValueError: the text is longer than there are positions.
        """
        before = 0 if state is None else state[0][0].size(2)
        end = before + ids.size(1)
        if end > self.config.max_positions:
            raise ValueError(f"a text of {end} tokens is longer than max_positions {self.config.max_positions}")
        hidden = self.dropout(self.tokens(ids) + self.positions.weight[before:end])  # (B, T, D)
        new_state = []
        for depth, block in enumerate(self.blocks):
            hidden, kept = block(hidden, None if state is None else state[depth])
            new_state.append(kept)
        return self.norm(hidden), tuple(new_state)

    def forward(self, ids: Tensor, state: tuple[Kept, ...] | None = None) -> tuple[Tensor, tuple[Kept, ...]]:
        """Score what may follow every token: (B, T) ids give logits (B, T, V), and the state after them."""
        hidden, state = self.read(ids, state)
        return hidden @ self.tokens.weight.T, state  # (B, T, V)

    def log_probs(self, ids: Tensor) -> Tensor:
        """Log-probability of every token given those before it in its row: what the ladder asks of a language model.

        Args:
            ids: (B, T), without `<bos>`; padding is scored, too, and is for the caller to leave out.

        Returns:
            (B, T), in nats.
        """
        ids = ids.to(self.tokens.weight.device)
        logits, _ = self(after_bos(ids))
        return -F.cross_entropy(logits.mT, ids, reduction="none")  # (B, T)


# Writing --------------------------------------------------------------------------------------------------------------


def filter_logits(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Sharpen or flatten a distribution and cut off its tail, before a token is drawn from it.

    A temperature divides the logits. `top_k` keeps the k most probable tokens (Fan et al., 2018). `top_p` keeps the
    smallest set of most probable tokens whose probabilities sum to at least p (Holtzman et al., 2020), so it keeps few
    where the model is sure and many where it is not. In that order, as transformers does it.

    Args:
        logits: (..., V).
        temperature: above 0; below 1 sharpens.
        top_k: how many to keep, at least 1; more than V keeps all.
        top_p: in (0, 1].

    Returns:
        (..., V), -inf for what was cut off. The most probable token is always kept.

    Raises:
        ValueError: a number is out of its range.

    >>> filter_logits(torch.tensor([0.0, 2.0, 1.0]), top_k=2).tolist()
    [-inf, 2.0, 1.0]
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must lie in (0, 1], got {top_p}")
    logits = logits / temperature
    if top_k is not None:
        weakest = logits.topk(min(top_k, logits.size(-1))).values[..., -1:]  # (..., 1)
        logits = logits.masked_fill(logits < weakest, float("-inf"))
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(descending=True, stable=True)  # (..., V)
        enough = probabilities.cumsum(-1) - probabilities >= top_p  # those before it already sum to p
        enough[..., 0] = False
        logits = logits.masked_fill(torch.zeros_like(enough).scatter(-1, order, enough), float("-inf"))
    return logits


@torch.no_grad()
def generate(
    model: GPT,
    prompt: Tensor,
    max_new_tokens: int,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    end_id: int | None = EOS_ID,
) -> Tensor:
    """Go on writing, token by token. The prompt is read once; then each step reads one token and what was kept.

    Args:
        model: in evaluation mode.
        prompt: (B, T) ids without padding, T at least 1; it begins with `<bos>` where the model was trained with it.
        max_new_tokens: N.
        generator: what tokens are drawn with; on the model's device. None = take the most probable one, always.
        temperature, top_k, top_p: see `filter_logits`.
        end_id: a row that has written it is filled up with `<pad>`; None = no token ends a row.

    Returns:
        (B, at most T+N) ids, the prompt among them.

    Raises:
        ValueError: prompt and new tokens do not fit into the model's positions.
    """
    room = model.config.max_positions - prompt.size(1)
    if max_new_tokens > room + 1:  # the last token is written, and not read any more
        raise ValueError(
            f"max_new_tokens must be at most {room + 1} after a prompt of {prompt.size(1)}, got {max_new_tokens}"
        )
    ids, state, new = prompt, None, prompt
    ended = torch.zeros(len(prompt), 1, dtype=torch.bool, device=prompt.device)  # (B, 1)
    for _ in range(max_new_tokens):
        logits, state = model(new, state)
        if generator is None:
            new = logits[:, -1].argmax(-1, keepdim=True)  # (B, 1)
        else:
            probabilities = filter_logits(logits[:, -1], temperature, top_k, top_p).softmax(-1)
            new = torch.multinomial(probabilities, 1, generator=generator)  # (B, 1)
        new = new.masked_fill(ended, PAD_ID)
        ids = torch.cat([ids, new], 1)
        if end_id is not None:
            ended |= new == end_id
            if ended.all():
                break
    return ids


# Fine-tuning ----------------------------------------------------------------------------------------------------------

Labelled = tuple[Tensor, Tensor, Tensor]  # ids (B, T) padded, lengths (B,), labels (B,)


def for_task(ids: list[int]) -> list[int]:
    """A text as the task reads it: between the token that begins and the one at which the answer is read off.

    >>> for_task([7, 8])
    [1, 7, 8, 2]
    """
    return [BOS_ID, *ids, EOS_ID]


class GPTClassifier(nn.Module):
    """A language model with one new layer: it reads the text, and what it makes of the last token names the class.

    P(y | x) = softmax(W h_n), eq. 3 of Radford et al. (2018). Only the last token has seen the whole text.

    >>> classifier = GPTClassifier(GPT(GPTConfig.preset("tiny", 50)), num_labels=2)
    >>> classifier(torch.ones(3, 7, dtype=torch.long), torch.tensor([7, 5, 2])).shape
    torch.Size([3, 2])
    """

    def __init__(self, language_model: GPT, num_labels: int):
        super().__init__()
        self.language_model = language_model
        self.head = nn.Linear(language_model.config.hidden_size, num_labels)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """(B, T) ids, padded at their ends, and their lengths (B,) give logits (B, num_labels)."""
        return self.answer(self.language_model.read(ids)[0], lengths)

    def answer(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """What was made of each token, (B, T, D), gives logits (B, num_labels)."""
        return self.head(hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1])  # of (B, D)


def fine_tuning_loss(model: GPTClassifier, batch: Labelled, language_weight: float = 0.0) -> Tensor:
    """How far the classes are off, plus, if wished, how much the texts still surprise the language model.

    L2 + lambda L1, eq. 5 of Radford et al. (2018), who took lambda = 0.5. Means, in nats.

    Args:
        model: the classifier.
        batch: ids (B, T), lengths (B,), labels (B,).
        language_weight: lambda, at least 0.
    """
    if language_weight < 0:
        raise ValueError(f"language_weight must be at least 0, got {language_weight}")
    ids, lengths, labels = batch
    hidden, _ = model.language_model.read(ids)  # (B, T, D)
    loss = F.cross_entropy(model.answer(hidden, lengths), labels)
    if language_weight:
        logits = hidden[:, :-1] @ model.language_model.tokens.weight.T  # (B, T-1, V)
        loss = loss + language_weight * sequence_loss(logits, ids[:, 1:])
    return loss
