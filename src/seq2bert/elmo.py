"""ELMo: two language models read a sentence from its two ends, and what they know of a word becomes its vector.

word2vec has one vector for "bank". Here a word's vector is computed from the sentence it stands in: from the states of
a language model that reads from left to right and of another that reads from right to left, layer by layer, mixed as a
task likes best (Peters et al., 2018).

What changed since `word2vec`: a vector belongs to a word in its place, no longer to the word. What changed since
`recurrent`: a second reader, in the other direction; a second layer, added to the first; and the states are what one
is after, while the guesses of the next token only serve to train them.

Two things are smaller than in the paper. Tokens are the word pieces that all models of the ladder share, where ELMo
builds a word's first vector from its letters: perplexities can be compared among models that hesitate among the same
tokens, and the course compares models and not tokenisers. And the LSTMs have the width of their input, where ELMo's
have 4,096 units projected to 512.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2bert.recurrent import Recurrent, num_parameters
from seq2bert.seq2seq import reverse
from seq2bert.sequences import BOS_ID, PAD_ID

DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True)
class ElmoConfig:
    """Sizes of a bidirectional language model.

    >>> ElmoConfig.preset("base", vocab_size=8192).num_parameters()
    4210688
    """

    vocab_size: int
    width: int = 256  # D, of the embeddings and of each direction's states
    num_layers: int = 2  # L, in each direction
    dropout: float = 0.0

    def __post_init__(self):
        for name in ("vocab_size", "width", "num_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")

    @classmethod
    def preset(cls, name: str, vocab_size: int, **changes) -> "ElmoConfig":
        """A named size: "tiny" for tests, "small" for a page's seconds, "base" for the ladder."""
        sizes = {"tiny": dict(width=32), "small": dict(width=128), "base": dict(width=256)}
        if name not in sizes:
            raise ValueError(f"preset must be one of {sorted(sizes)}, got {name!r}")
        return replace(cls(vocab_size, **sizes[name]), **changes)

    def num_parameters(self) -> int:
        """Trainable numbers in the model, by arithmetic; a test holds it against the module itself."""
        one_direction = num_parameters("lstm", self.width, self.width, self.num_layers)
        return self.vocab_size * (self.width + 1) + len(DIRECTIONS) * one_direction


# Two language models that share their words ---------------------------------------------------------------------------


class Reader(nn.Module):
    """One direction: a stack of LSTM layers, of which all but the first are added to what they read.

    h_1 = LSTM_1(x), h_j = h_{j-1} + LSTM_j(h_{j-1}): the residual connection of section 3.4 of Peters et al. (2018).

    >>> [layer.shape for layer in Reader(ElmoConfig.preset("tiny", 50))(torch.zeros(2, 7, 32))]
    [torch.Size([2, 7, 32]), torch.Size([2, 7, 32])]
    """

    def __init__(self, config: ElmoConfig):
        super().__init__()
        self.layers = nn.ModuleList(Recurrent("lstm", config.width, config.width) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """What each layer puts out, in the order of reading: from (B, S, D), L of (B, S, D)."""
        outputs: list[Tensor] = []
        for depth, layer in enumerate(self.layers):
            below = inputs if depth == 0 else outputs[-1]
            above, _ = layer(self.dropout(below))  # (B, S, D)
            outputs.append(above if depth == 0 else below + above)
        return outputs


class BidirectionalLM(nn.Module):
    """Two language models over the same tokens, which share their words and nothing else.

    sum_k log p(t_k | t_1 .. t_{k-1}) + log p(t_k | t_{k+1} .. t_N), section 3.1 of Peters et al. (2018). The embeddings
    and the softmax are the same for both directions, the LSTMs are not. Neither direction ever reads a state of the
    other: a model that looked at both sides of a token would find the token itself there, and have nothing to guess.
    The rows of the softmax are the embeddings, as in `RecurrentLanguageModel`.

    Each direction begins at `<bos>`, the edge of the text: the forward one before a row's first token, the backward one
    after its last.

    >>> model = BidirectionalLM(ElmoConfig.preset("tiny", 50))
    >>> model.representations(torch.ones(3, 7, dtype=torch.long)).shape
    torch.Size([3, 7, 3, 64])
    """

    def __init__(self, config: ElmoConfig):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.forwards, self.backwards = Reader(config), Reader(config)
        self.dropout = nn.Dropout(config.dropout)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        nn.init.normal_(self.embedding.weight, std=config.width**-0.5)  # so that the first scores are near 0

    def read(self, ids: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Both directions' states, each in its own order of reading.

        Args:
            ids: (B, T), padded at their end.

        Returns:
            For each direction, the outputs of L layers (B, T+1, D); number k has read `<bos>` and k tokens, counted
            from the left or from the row's last real token. Padding is read last, and no real token feels it.
        """
        right, left = (
            reader(self.embedding(F.pad(tokens, (1, 0), value=BOS_ID)))
            for reader, tokens in ((self.forwards, ids), (self.backwards, reverse(ids, lengths_of(ids))))
        )
        return right, left

    def forward(self, ids: Tensor) -> Tensor:
        """What each direction knows of every token before it reads it: (B, T) ids to (2, B, T, D)."""
        right, left = self.read(ids)
        before = left[-1][:, :-1]  # (B, T, D), from the row's end
        return torch.stack([self.dropout(right[-1][:, :-1]), self.dropout(reverse(before, lengths_of(ids)))])

    def representations(self, ids: Tensor) -> Tensor:
        """All that the model knows of every token, the token itself read.

        Layer 0 is the token's embedding, once for each half; layer j is [forward h_j; backward h_j], where the first
        half has read the row up to the token, and the second half from the row's end down to it.

        Args:
            ids: (B, T), padded at their end.

        Returns:
            (B, T, L+1, 2D); what stands on padding means nothing.
        """
        ids = ids.to(self.bias.device)
        right, left = self.read(ids)
        tokens = self.embedding(ids)  # (B, T, D)
        layers = [torch.cat([tokens, tokens], -1)]
        for to_the_right, to_the_left in zip(right, left, strict=True):
            layers.append(torch.cat([to_the_right[:, 1:], reverse(to_the_left[:, 1:], lengths_of(ids))], -1))
        return torch.stack(layers, 2)  # (B, T, L+1, 2D)

    def direction_log_probs(self, ids: Tensor) -> Tensor:
        """Log-probability of every token given those on one side of it.

        Args:
            ids: (B, T), padded at their end; padding is scored, too, and is for the caller to leave out.

        Returns:
            (2, B, T), in nats: given what stands to the left, and given what stands to the right.
        """
        ids = ids.to(self.bias.device)
        surprises = [
            F.cross_entropy(F.linear(hidden, self.embedding.weight, self.bias).mT, ids, reduction="none")
            for hidden in self(ids)  # one after the other: logits are large
        ]
        return -torch.stack(surprises)  # (2, B, T)

    def log_probs(self, ids: Tensor) -> Tensor:
        """Half the sum of both directions' log-probabilities: what the ladder asks of a language model.

        Each direction gives a row a proper probability; this is the mean of the two, in nats, and the perplexity that
        comes of it the geometric mean of theirs. It is no probability of a token given both its sides.

        Args:
            ids: (B, T), padded at their end; padding is scored, too, and is for the caller to leave out.

        Returns:
            (B, T), in nats.
        """
        return self.direction_log_probs(ids).mean(0)  # (B, T)


def lengths_of(ids: Tensor) -> Tensor:
    """How many real tokens each row has: (B, T), padded at their end, to (B,).

    >>> lengths_of(torch.tensor([[7, 8, 9], [5, 0, 0]])).tolist()
    [3, 1]
    """
    return (ids != PAD_ID).sum(-1)


def bidirectional_loss(model: BidirectionalLM, ids: Tensor) -> Tensor:
    """Mean surprise over the real tokens of a padded batch (B, T) and both directions, in nats.

    What the training loop calls. Padding is left out before the product with the vocabulary, which costs most.
    """
    real = ids != PAD_ID  # (B, T)
    logits = F.linear(model(ids)[:, real], model.embedding.weight, model.bias)  # (2, N, V)
    return F.cross_entropy(logits.flatten(0, 1), ids[real].repeat(2))


# What a task takes from them ------------------------------------------------------------------------------------------


class ScalarMix(nn.Module):
    """One vector from L+1 layers: gamma * sum_j softmax(s)_j h_j, equation 1 of Peters et al. (2018).

    The task learns the weights s, and gamma, the size that it wants its vectors to have. At the beginning the mix is
    the mean of the layers.

    Args:
        num_layers: L+1, how many layers there are to mix, the embeddings among them.

    >>> ScalarMix(2)(torch.tensor([[1.0, 2.0], [3.0, 6.0]])).tolist()
    [2.0, 4.0]
    """

    def __init__(self, num_layers: int):
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, got {num_layers}")
        self.scores = nn.Parameter(torch.zeros(num_layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def weights(self) -> Tensor:
        """Each layer's part of the mix, (L+1,); together they are 1."""
        return self.scores.softmax(0)

    def forward(self, layers: Tensor) -> Tensor:
        """Mix the layers: (..., L+1, W) to (..., W)."""
        if layers.size(-2) != len(self.scores):
            raise ValueError(f"layers must be (..., {len(self.scores)}, W), got {tuple(layers.shape)}")
        return self.gamma * (self.weights() @ layers)  # (..., W)


@torch.no_grad()
def frozen_representations(model: BidirectionalLM, ids: Tensor) -> Tensor:
    """The layers as features: without dropout, and with no gradient into the model.

    Args:
        model: left in the mode it was in.
        ids: (B, T), padded at their end.

    Returns:
        (B, T, L+1, 2D), as `representations` gives them.
    """
    was_training = model.training
    model.eval()
    layers = model.representations(ids)
    model.train(was_training)
    return layers


class ElmoClassifier(nn.Module):
    """A small classifier on frozen layers: their mix, its mean over the real positions, and a linear layer.

    The mix is learnt with the linear layer, by the task; the language model is not even here.

    Args:
        config: the language model's.
        num_classes: how many answers there are.

    >>> model = BidirectionalLM(ElmoConfig.preset("tiny", 50))
    >>> ids = torch.tensor([[7, 8, 9], [5, 0, 0]])
    >>> ElmoClassifier(model.config, num_classes=2)(frozen_representations(model, ids), ids != PAD_ID).shape
    torch.Size([2, 2])
    """

    def __init__(self, config: ElmoConfig, num_classes: int):
        super().__init__()
        self.mix = ScalarMix(config.num_layers + 1)
        self.head = nn.Linear(2 * config.width, num_classes)

    def forward(self, layers: Tensor, mask: Tensor) -> Tensor:
        """Score the answers.

        Args:
            layers: (B, T, L+1, 2D), from `frozen_representations`.
            mask: bool (B, T), True = real; at least one in each row.

        Returns:
            logits (B, C).
        """
        if not mask.any(-1).all():
            raise ValueError("a row of the mask has no real position; its mean is undefined")
        mixed = self.mix(layers)  # (B, T, 2D)
        mean = mixed.masked_fill(~mask.unsqueeze(-1), 0).sum(1) / mask.sum(1, keepdim=True)  # (B, 2D)
        return self.head(mean)
