"""Assignment 01: padding and masks, unseen tokens, counting and smoothing, perplexity.

The marks of the experiment are in `sequences_experiment`; the notebook finds them here, too.
"""

import json
import math
import random
from collections import Counter

import torch
from torch import Tensor

from seq2bert import sequences as chapter
from seq2bert.checks.sequences_experiment import (
    experiment_pairs,
    experiment_points,
    experiment_sentences,
    predictions,
)
from seq2bert.checks.task import Mistake, Task

__all__ = [  # what the notebook calls
    "build_vocabulary",
    "count_bigrams",
    "encode",
    "experiment_pairs",
    "experiment_points",
    "experiment_sentences",
    "masked_mean",
    "pad",
    "perplexity",
    "predictions",
    "smooth",
]


def dice_of(g: torch.Generator) -> random.Random:
    """Dice that are ten times faster than torch's, one number at a time."""
    return random.Random(int(torch.randint(2**62, (), generator=g)))


# Task 1a: the rectangle ----------------------------------------------------------------------------------------------


def draw_ragged(g: torch.Generator, hidden: bool = False) -> dict:
    """Sequences of ids, at least one of them shorter than the longest wherever there are two.

    Hidden ones are padded with an id that is not 0, and that one of the sequences really has.
    """
    dice = dice_of(g)
    rows, longest = (dice.randrange(1, 6), 9) if hidden else (3, 6)
    lengths = [dice.randrange(1, longest + 1) for _ in range(rows)]
    if rows > 1 and len(set(lengths)) == 1:
        return draw_ragged(g, hidden)
    sequences = [dice.choices(range(1, 12), k=length) for length in lengths]
    if not hidden:
        return dict(sequences=sequences, pad_id=0)
    pad_id = dice.randrange(5, 10)
    sequences[dice.randrange(rows)][-1] = pad_id
    return dict(sequences=sequences, pad_id=pad_id)


def reference_pad(sequences, pad_id=0) -> tuple[Tensor, Tensor]:
    """The chapter's rectangle, with its mask in place of the lengths."""
    ids, lengths = chapter.pad(sequences, pad_id)
    return ids, chapter.padding_mask(lengths)


def _left(sequences, pad_id=0):
    ids, mask = reference_pad([sequence[::-1] for sequence in sequences], pad_id)
    return ids.flip(1), mask.flip(1)


def _cut(sequences, pad_id=0):
    shortest = min(map(len, sequences))
    return reference_pad([sequence[:shortest] for sequence in sequences], pad_id)


def _one_column_more(sequences, pad_id=0):
    ids, mask = reference_pad([[0] * (1 + max(map(len, sequences))), *sequences], pad_id)
    return ids[1:], mask[1:]


def _one_cell_more(sequences, pad_id=0):
    ids, lengths = chapter.pad(sequences, pad_id)
    return ids, torch.arange(ids.size(1)) <= lengths[:, None]


pad = Task(
    name="pad",
    reference=reference_pad,
    outputs=("ids", "mask"),
    visible=draw_ragged,
    hidden=lambda g: draw_ragged(g, hidden=True),
    mistakes=(
        Mistake(
            "padded on the left",
            _left,
            "The padding stands before the sequences. Each row begins with its sequence, and padding fills its end.",
        ),
        Mistake(
            "mask inverted",
            lambda sequences, pad_id=0: ((padded := reference_pad(sequences, pad_id))[0], ~padded[1]),
            "The mask is the wrong way round. In this course True means real, False means padding.",
        ),
        Mistake(
            "mask read from the ids",
            lambda sequences, pad_id=0: (ids := chapter.pad(sequences, pad_id)[0], ids != pad_id),
            "A real cell is called padding because its id happens to be pad_id. What is real is known from the lengths "
            "of the sequences, not from the ids.",
            visible=False,
        ),
        Mistake(
            "always padded with 0",
            lambda sequences, pad_id=0: reference_pad(sequences, 0),
            "The padding is 0 although pad_id says otherwise.",
            visible=False,
        ),
        Mistake(
            "cut to the shortest",
            _cut,
            "The rows are as long as the shortest sequence, so the others lose their ends. S is the longest length.",
        ),
        Mistake(
            "a column too many",
            _one_column_more,
            "The last column is padding in every row. S is the longest length, not one more.",
        ),
        Mistake(
            "mask one cell too long",
            _one_cell_more,
            "The mask calls the first cell of padding real. Cell t is real if t < length: counting begins with 0.",
        ),
        Mistake(
            "lengths for a mask",
            chapter.pad,
            "The second value holds one length for each row. Compare every place with it to get the mask, (B, S).",
        ),
        Mistake(
            "time first",
            lambda sequences, pad_id=0: tuple(part.T for part in reference_pad(sequences, pad_id)),
            "Rows and columns have changed places: one row for each sequence, (B, S). "
            "(torch's pad_sequence needs batch_first=True.)",
        ),
    ),
)

# Task 1b: the mean over what is real ---------------------------------------------------------------------------------


def draw_masked(g: torch.Generator, hidden: bool = False) -> dict:
    """Values (B, S) and a mask with something real in each row.

    Visible masks are those of padding. Hidden ones have holes and a last column of nothing real, and in many rows what
    is not real is no number either.
    """
    dice = dice_of(g)
    rows, size = (dice.randrange(1, 6), dice.randrange(2, 9)) if hidden else (3, 6)
    values = 2 + torch.randn(rows, size, generator=g)  # (B, S)
    if not hidden:
        lengths = torch.tensor([size, *(dice.randrange(1, size) for _ in range(rows - 1))])
        return dict(values=values, mask=chapter.padding_mask(lengths))
    mask = torch.rand(rows, size, generator=g) < 0.5  # (B, S)
    mask[torch.arange(rows), torch.tensor(dice.choices(range(size - 1), k=rows))] = True
    mask[:, -1] = False
    for row in range(rows):
        values[row, -1] = dice.choice((5.0, 5.0, math.nan, math.inf, -math.inf))
    return dict(values=values, mask=mask)


def _real(values: Tensor, mask: Tensor) -> Tensor:
    """The values, and 0 where the mask says no: chosen, not multiplied."""
    return torch.where(mask, values, 0.0)


def reference_masked_mean(values, mask) -> Tensor:
    """The mean of each row's real cells, (B,)."""
    return _real(values, mask).sum(1) / mask.sum(1)


masked_mean = Task(
    name="masked_mean",
    reference=reference_masked_mean,
    outputs=("the mean",),
    visible=draw_masked,
    hidden=lambda g: draw_masked(g, hidden=True),
    mistakes=(
        Mistake(
            "padding counted",
            lambda values, mask: values.mean(1),
            "These are means over whole rows, padding and all. Only cells where the mask is True may take part.",
        ),
        Mistake(
            "divided by S",
            lambda values, mask: _real(values, mask).mean(1),
            "Padding adds nothing to the sum, but the sum is still divided by S. Divide by how many cells are real.",
        ),
        Mistake(
            "one mean for all",
            lambda values, mask: values[mask].mean(),
            "This is one mean over the whole batch; values[mask] forgets which row a cell came from. "
            "Every row needs its own.",
        ),
        Mistake(
            "mask inverted",
            lambda values, mask: reference_masked_mean(values, ~mask),
            "This is the mean of the padding: True marks what is real.",
        ),
        Mistake(
            "mean down the columns",
            lambda values, mask: _real(values, mask).sum(0) / mask.sum(0),
            "These are means over the batch, one for each place. Sum along the last axis: one mean for each row.",
        ),
        Mistake("summed", lambda values, mask: _real(values, mask).sum(1), "These are sums. Divide by the real cells."),
        Mistake(
            "masked by multiplication",
            lambda values, mask: (values * mask).sum(1) / mask.sum(1),
            "0 times infinity is not a number, and neither is 0 times nan. Choose the real cells with torch.where "
            "instead of multiplying with the mask.",
            visible=False,
        ),
        Mistake(
            "the first cells taken",
            lambda values, mask: torch.stack([row[:n].mean() for row, n in zip(values, mask.sum(1), strict=True)]),
            "You took as many cells from the row's beginning as are real. Real cells may stand anywhere: "
            "ask the mask about each.",
            visible=False,
        ),
    ),
)

# Task 2a: the vocabulary ---------------------------------------------------------------------------------------------

WORDS = (
    "a",
    "the",
    "film",
    "movie",
    "plot",
    "is",
    "was",
    "not",
    "of",
    "funny",
    "moving",
    "dull",
    "long",
    "never",
    "--",
    ",",
    ".",
)


def draw_text(g: torch.Generator, hidden: bool = False) -> dict:
    """Sequences of few words, so that the words come again, and how often a word must come to be kept.

    One word comes often in one sequence and in no other. Hidden texts hold specials, and a sequence of nothing.
    """
    dice = dice_of(g)
    words = dice.sample(WORDS, 9 if hidden else 6)
    alone = words.pop()
    sequences = [dice.choices(words, k=dice.randrange(1, 6)) for _ in range(dice.randrange(3, 7) if hidden else 4)]
    sequences[0] += [alone] * 4
    dice.shuffle(sequences[0])
    if not hidden:
        return dict(sequences=sequences, min_count=2)
    sequences[-1] += dice.choices(chapter.SPECIALS, k=6)
    sequences.insert(dice.randrange(len(sequences)), [])
    return dict(sequences=sequences, min_count=dice.randrange(1, 5))


def reference_build_vocabulary(sequences, min_count=1) -> list[str]:
    """The chapter's vocabulary as a plain list."""
    return list(chapter.Vocabulary.build(sequences, min_count).tokens)


def _vocabulary_variant(enough=lambda count, least: count >= least, order=sorted, once=False, doubles=False):
    """A vocabulary with one thing changed, to make mistakes from; `order` takes the counts in the text's order."""

    def build(sequences, min_count=1):
        counts = Counter(token for sequence in sequences for token in (dict.fromkeys(sequence) if once else sequence))
        kept = {t: n for t, n in counts.items() if enough(n, min_count) and (doubles or t not in chapter.SPECIALS)}
        return [*chapter.SPECIALS, *order(kept)]

    return build


build_vocabulary = Task(
    name="build_vocabulary",
    reference=reference_build_vocabulary,
    outputs=("the vocabulary",),
    visible=draw_text,
    hidden=lambda g: draw_text(g, hidden=True),
    mistakes=(
        Mistake(
            "specials forgotten",
            lambda sequences, min_count=1: reference_build_vocabulary(sequences, min_count)[4:],
            "The four specials are missing. They are part of every vocabulary, whether the text has them or not.",
        ),
        Mistake(
            "specials last",
            lambda sequences, min_count=1: (
                reference_build_vocabulary(sequences, min_count)[4:] + list(chapter.SPECIALS)
            ),
            "The specials stand at the end. They come first, so that their ids are 0 to 3 in every vocabulary.",
        ),
        Mistake(
            "one more than min_count",
            _vocabulary_variant(lambda count, least: count > least),
            "A token that was seen exactly min_count times belongs in: at least, not more than.",
        ),
        Mistake(
            "min_count ignored",
            _vocabulary_variant(lambda count, least: True),
            "Every token was kept, however rare. Those seen fewer than min_count times stay out.",
        ),
        Mistake(
            "order of the text",
            _vocabulary_variant(order=list),
            "The tokens stand in the order in which the text brings them. Sort them, so that the same tokens always "
            "get the same ids.",
        ),
        Mistake(
            "most frequent first",
            _vocabulary_variant(order=lambda kept: sorted(kept, key=lambda token: -kept[token])),
            "The tokens are sorted by how often they were seen. Sort the tokens themselves.",
        ),
        Mistake(
            "sequences counted",
            _vocabulary_variant(once=True),
            "You counted in how many sequences a token is. Count every time it was seen, twice in one sequence too.",
        ),
        Mistake(
            "specials twice",
            _vocabulary_variant(doubles=True),
            "A special that is also in the text stands twice, and has two ids. Leave the specials out when you sort.",
            visible=False,
        ),
    ),
)

# Task 2b: from tokens to ids -----------------------------------------------------------------------------------------


def draw_encoding(g: torch.Generator, hidden: bool = False) -> dict:
    """A sequence with tokens that the vocabulary has, and some that it lacks.

    Hidden vocabularies stand in no order that one could rely on; hidden sequences hold `<unk>`, or nothing at all.
    """
    dice = dice_of(g)
    words = dice.sample(WORDS, dice.randrange(8, 16) if hidden else 8)
    known, unknown = words[3:], words[:3]
    if not hidden:
        sequence = [*dice.sample(known, 3), *unknown[:2], known[0], unknown[2], known[1]]
        return dict(sequence=sequence, tokens=[*chapter.SPECIALS, *sorted(known)])
    sequence = [*dice.choices(words, k=dice.randrange(3, 12)), "<unk>", unknown[0], dice.choice(known)]
    return dict(sequence=sequence * (dice.random() < 0.8), tokens=[*chapter.SPECIALS, *known])


def reference_encode(sequence, tokens) -> list[int]:
    """The ids that the chapter's vocabulary gives."""
    return chapter.Vocabulary(tuple(tokens)).encode(sequence)


def _unknown_as(number):
    """Encoding with another id in place of `<unk>`'s, to make mistakes from."""
    return lambda sequence, tokens: [tokens.index(t) if t in tokens else number(tokens) for t in sequence]


encode = Task(
    name="encode",
    reference=reference_encode,
    outputs=("the encoding",),
    visible=draw_encoding,
    hidden=lambda g: draw_encoding(g, hidden=True),
    mistakes=(
        Mistake(
            "unknown tokens dropped",
            lambda sequence, tokens: [tokens.index(token) for token in sequence if token in tokens],
            "Unknown tokens have vanished, so the sequence is shorter and its neighbours are wrong ones. "
            "Each becomes <unk>.",
        ),
        Mistake(
            "unknown is padding",
            _unknown_as(lambda tokens: 0),
            "Unknown tokens got the id 0. That is <pad>: it says that there is nothing; <unk> says that there is "
            "something we do not know.",
        ),
        Mistake("unknown is -1", _unknown_as(lambda tokens: -1), "-1 is no token's id. Unknown tokens become <unk>."),
        Mistake(
            "an id beyond the vocabulary",
            _unknown_as(len),
            "Unknown tokens got an id that no row of a table stands for: the last id is len(tokens) - 1. "
            "They share the id of <unk>.",
        ),
        Mistake(
            "specials not counted",
            lambda sequence, tokens: [
                tokens.index(token) - 4 if token in tokens[4:] else chapter.UNK_ID for token in sequence
            ],
            "The ids of the words are 4 too small: an id is a token's place in the whole list, specials included.",
        ),
        Mistake(
            "bos and eos added",
            lambda sequence, tokens: [chapter.BOS_ID, *reference_encode(sequence, tokens), chapter.EOS_ID],
            "<bos> and <eos> were added. Here the ids are those of the sequence, one for each token.",
        ),
        Mistake(
            "tokens, not ids",
            lambda sequence, tokens: [token if token in tokens else "<unk>" for token in sequence],
            "These are still tokens. Return the place of each one in the list.",
        ),
    ),
)

# Task 3a: counting ---------------------------------------------------------------------------------------------------


def draw_ids(g: torch.Generator, hidden: bool = False) -> dict:
    """Sequences of few different ids, so that the pairs come again; one has the same pair twice.

    Hidden ones have one sequence of nothing, and ids that are never used.
    """
    dice = dice_of(g)
    used = range(3, 7)
    sequences = [dice.choices(used, k=dice.randrange(1, 7)) for _ in range(dice.randrange(2, 6) if hidden else 4)]
    sequences[0] += sequences[0][:2] * 2
    if not hidden:
        return dict(sequences=sequences, vocab_size=7)
    sequences.insert(dice.randrange(len(sequences)), [])
    return dict(sequences=sequences, vocab_size=dice.randrange(8, 12))


def reference_count_bigrams(sequences, vocab_size) -> Tensor:
    """The counts of the chapter's bigram model, as a table (V, V)."""
    model = chapter.NGramModel(2, vocab_size).fit([*sequence, chapter.EOS_ID] for sequence in sequences)
    table = torch.zeros(vocab_size**2, dtype=torch.long)
    table[model.names[0]] = model.counts[-1]  # a bigram's name is its place in the table
    return table.view(vocab_size, vocab_size)


def _count_variant(bos=True, eos=True, step=1, joined=False, once=False):
    """Counting with at most one thing changed, to make mistakes from."""

    def count(sequences, vocab_size):
        rows = [[chapter.BOS_ID] * bos + sequence + [chapter.EOS_ID] * eos for sequence in sequences]
        if joined:
            rows = [[i for row in rows for i in row]]
        pairs = [list(zip(row[::step], row[1::step], strict=False)) for row in rows]
        names = [a * vocab_size + b for row in pairs for a, b in (set(row) if once else row)]
        return torch.bincount(torch.tensor(names), minlength=vocab_size**2).view(vocab_size, vocab_size)

    return count


count_bigrams = Task(
    name="count_bigrams",
    reference=reference_count_bigrams,
    outputs=("the table",),
    visible=draw_ids,
    hidden=lambda g: draw_ids(g, hidden=True),
    mistakes=(
        Mistake(
            "bos forgotten",
            _count_variant(bos=False),
            "Nothing is counted for the first token of a sequence. It follows <bos>, id 1.",
        ),
        Mistake(
            "eos forgotten",
            _count_variant(eos=False),
            "Nothing is counted for the end of a sequence. After its last token comes <eos>, id 2.",
        ),
        Mistake(
            "bos and eos forgotten",
            _count_variant(bos=False, eos=False),
            "Only pairs inside the sequences were counted. The first token follows <bos>, id 1, and after the last one "
            "comes <eos>, id 2.",
        ),
        Mistake(
            "across the border",
            _count_variant(joined=True),
            "One sequence's <eos> was counted before the next one's <bos>. No bigram crosses from one sequence into "
            "another.",
        ),
        Mistake(
            "rows and columns swapped",
            lambda sequences, vocab_size: _count_variant()(sequences, vocab_size).T,
            "The table lies on its side: the row is the token before, the column the token that follows.",
        ),
        Mistake(
            "seen or not",
            lambda sequences, vocab_size: _count_variant()(sequences, vocab_size).clamp(max=1),
            "The table says whether a bigram was seen, not how often.",
        ),
        Mistake(
            "once in a sequence",
            _count_variant(once=True),
            "A bigram that comes twice in one sequence was counted once. With lists of indices, table[a, b] += 1 adds "
            "1 to each cell at most once; loop, or use index_put_ with accumulate=True, or bincount.",
        ),
        Mistake(
            "pairs that do not overlap",
            _count_variant(step=2),
            "You took tokens 1 and 2, then 3 and 4. Bigrams overlap: every token but the last begins one.",
        ),
        Mistake(
            "both directions",
            lambda sequences, vocab_size: (table := _count_variant()(sequences, vocab_size)) + table.T,
            "Each pair was counted in both directions. Order matters: only what comes after is counted.",
        ),
    ),
)

# Task 3b: smoothing --------------------------------------------------------------------------------------------------


def draw_counts(g: torch.Generator, hidden: bool = False) -> dict:
    """Counts (C, V) of what followed each context; `<pad>` and `<bos>` never did.

    Hidden ones have any k, often 0, and a context that was never seen beside one that was seen a lot; or that alone.
    """
    dice = dice_of(g)
    contexts, size = (dice.randrange(2, 8), dice.randrange(6, 12)) if hidden else (5, 7)
    counts = torch.randint(0, 4, (contexts, size), generator=g)  # (C, V)
    counts[:, : chapter.EOS_ID] = 0
    counts[:, -1] += 1
    if not hidden:
        return dict(counts=counts, k=0.5)
    counts[-1] *= 1000
    counts[0] = 0
    return dict(counts=counts[-1:] if dice.random() < 0.2 else counts, k=dice.choice((0, 0, 0, 0.01, 0.5, 3)))


def reference_smooth(counts, k) -> Tensor:
    """What the chapter's models make of counts, (C, V) in nats: each row is a unigram model. A test compares them."""
    return _smooth_variant()(counts, k)


def _smooth_variant(
    below=True, special=2, closed=True, total=lambda counts: counts.sum(1, keepdim=True), finish=torch.log
):
    """Add-k smoothing with at most one thing changed: unchanged it is right, changed it makes mistakes.

    Args:
        below: is k added below the line, too?
        special: how many ids V does not count.
        closed: are `<pad>` and `<bos>` impossible?
        total: how counts are summed.
        finish: what is made of the probabilities.
    """

    def smooth(counts, k):
        writable = counts.size(1) - special
        seen = total(counts).double() + k * writable * below  # (C, 1)
        p = torch.where(seen > 0, (counts + k) / seen, 1 / writable)  # (C, V)
        return finish(torch.cat([torch.zeros_like(p[:, :2]), p[:, 2:]], 1) if closed else p)

    return smooth


def _unseen_as(value):
    """Smoothing that gives another log-probability to what follows a context of which nothing at all is known."""

    def smooth(counts, k):
        unknown = (counts.sum(1, keepdim=True) + k == 0) & (torch.arange(counts.size(1)) >= chapter.EOS_ID)  # (C, V)
        return reference_smooth(counts, k).masked_fill(unknown, value)

    return smooth


smooth = Task(
    name="smooth",
    reference=reference_smooth,
    outputs=("the table",),
    visible=draw_counts,
    hidden=lambda g: draw_counts(g, hidden=True),
    mistakes=(
        Mistake(
            "V counts all ids",
            _smooth_variant(special=0),
            "V counts <pad> and <bos>, which are never written. Without them it is V - 2, and the rows sum to 1.",
        ),
        Mistake(
            "pad and bos like all others",
            _smooth_variant(special=0, closed=False),
            "<pad> and <bos> have been given probability. They are never written: V counts two ids less than there "
            "are, and columns 0 and 1 are minus infinity.",
        ),
        Mistake(
            "denominator forgotten",
            _smooth_variant(below=False),
            "k was added above the line only, so the probabilities of a row sum to more than 1. "
            "Below it belongs k for every token that can be written.",
        ),
        Mistake(
            "normalised by column",
            _smooth_variant(total=lambda counts: counts.sum(0, keepdim=True)),
            "Each column was divided by its own sum. A row holds what may follow one context: the rows must sum to 1.",
        ),
        Mistake(
            "joint probabilities",
            _smooth_variant(total=lambda counts: counts.sum()),
            "The counts were divided by the sum of the whole table: that is how probable the pair is. "
            "Given its context, a token's share is that of its own row.",
        ),
        Mistake(
            "pad and bos can be written",
            _smooth_variant(closed=False),
            "<pad> and <bos> have been given probability. They are never written: minus infinity, columns 0 and 1.",
        ),
        Mistake(
            "probabilities",
            _smooth_variant(finish=lambda p: p),
            "These are probabilities. Return their natural logarithms.",
        ),
        Mistake(
            "bits",
            _smooth_variant(finish=torch.log2),
            "These are logarithms to base 2. The course measures in nats: use the natural logarithm.",
        ),
        Mistake(
            "k is always 1",
            lambda counts, k: reference_smooth(counts, 1),
            "This adds 1 to every count, whatever k says.",
        ),
        Mistake(
            "0 divided by 0",
            _unseen_as(math.nan),
            "With k = 0, a context that was never seen is 0 divided by 0. What follows it we do not know: "
            "every token that can be written is equally probable.",
            visible=False,
        ),
        Mistake(
            "nothing follows what was never seen",
            _unseen_as(-math.inf),
            "With k = 0, a context that was never seen has only zeros, so nothing could follow it. What follows it we "
            "do not know: every token that can be written is equally probable.",
            visible=False,
        ),
    ),
)

# Task 4: perplexity --------------------------------------------------------------------------------------------------


def draw_surprises(g: torch.Generator, hidden: bool = False) -> dict:
    """Log-probabilities (B, S) of about -2.5 nats, and a mask.

    Hidden ones are so many that their product is 0 in double precision; often some of the padding is impossible.
    """
    dice = dice_of(g)
    rows, size = (dice.randrange(18, 25), 50) if hidden else (3, 6)
    log_probs = -2.5 - torch.randn(rows, size, generator=g).clamp(-2, 2)  # (B, S)
    lengths = torch.tensor([size, *(dice.randrange(size // 3, size) for _ in range(rows - 1))])
    mask = chapter.padding_mask(lengths)
    if hidden:
        mask[0, 1 : size // 2] = False
        if dice.random() < 0.6:
            log_probs = torch.where(mask | (torch.rand(rows, size, generator=g) < 0.5), log_probs, -math.inf)
    return dict(log_probs=log_probs, mask=mask)


perplexity = Task(
    name="perplexity",
    reference=chapter.perplexity,
    outputs=("the perplexity",),
    visible=draw_surprises,
    hidden=lambda g: draw_surprises(g, hidden=True),
    tolerance=1e-3,  # hidden sums are about 1000 nats, where single precision ends
    mistakes=(
        Mistake(
            "padding scored",
            lambda log_probs, mask: (-log_probs.mean()).exp(),
            "Padding is scored as if it were text. Only cells where the mask is True may take part.",
        ),
        Mistake(
            "divided by all cells",
            lambda log_probs, mask: (-_real(log_probs, mask).mean()).exp(),
            "The sum is that of the real tokens, but it is divided by all B*S cells: divide by the real tokens.",
        ),
        Mistake(
            "mean of the rows' perplexities",
            lambda log_probs, mask: (-reference_masked_mean(log_probs, mask)).exp().mean(),
            "This is the mean of each sequence's own perplexity. Take the mean surprise of all tokens first, "
            "then the exponential, once.",
        ),
        Mistake(
            "mean of the rows' means",
            lambda log_probs, mask: (-reference_masked_mean(log_probs, mask).mean()).exp(),
            "This is a mean over sequences of their means, so a token in a short sequence weighs more. "
            "Every real token of the batch should weigh the same.",
        ),
        Mistake(
            "minus forgotten",
            lambda log_probs, mask: log_probs[mask].mean().exp(),
            "Less than 1? This is the mean probability (a geometric one). The surprise is minus the logarithm.",
        ),
        Mistake(
            "nats taken for bits",
            lambda log_probs, mask: (-log_probs[mask].mean()).exp2(),
            "You raised 2 to the mean surprise. That is right for bits; these are nats, so e is the base.",
        ),
        Mistake(
            "cross-entropy",
            lambda log_probs, mask: -log_probs[mask].mean(),
            "This is the mean surprise, the cross-entropy in nats. Perplexity is its exponential.",
        ),
        Mistake(
            "mean of inverse probabilities",
            lambda log_probs, mask: (-log_probs[mask]).exp().mean(),
            "You averaged 1/p. The mean is that of the logarithms, and the exponential comes last.",
        ),
        Mistake(
            "masked by multiplication",
            lambda log_probs, mask: (-(log_probs * mask).sum() / mask.sum()).exp(),
            "0 times minus infinity is not a number. Choose the real cells, with log_probs[mask] or torch.where, "
            "instead of multiplying with the mask.",
            visible=False,
        ),
        Mistake(
            "probabilities multiplied",
            lambda log_probs, mask: log_probs[mask].double().exp().prod() ** (-1 / mask.sum()),
            "Probabilities are multiplied. Over many tokens their product is too small for any number but 0; "
            "add logarithms instead.",
            visible=False,
        ),
    ),
)

# The sample class ----------------------------------------------------------------------------------------------------

TASKS = ("task-1", "task-2", "task-3", "task-4")

# Learners who are wrong in one known way: a piece of the solution, what they have in its place, and the name of the
# mistake that each is told; a test holds that.
WRONG_LEARNERS = {
    "wrong-mean": (
        "return torch.where(mask, values, 0.0).sum(1) / mask.sum(1)",
        "return values.mean(1)",
        "padding counted",
    ),
    "wrong-smoothing": (
        "writable = counts.size(1) - 2",
        "writable = counts.size(1)",
        "V counts all ids",
    ),
    "wrong-perplexity": (
        "return torch.exp(-log_probs[mask].mean()).item()",
        "return 2 ** -log_probs[mask].mean().item()",
        "nats taken for bits",
    ),
}

# A task that is answered with the library, as a stuck learner may do and a graded one may not.
BORROWED = ("task-4", "from seq2bert.sequences import perplexity")


def files_to_hand_in() -> dict[str, str]:
    """What the experiment leaves beside the notebook, by file name: here somebody has chosen right every time."""
    return {
        "predictions.json": json.dumps([pair.written for pair in experiment_pairs()]),
        "metrics.json": json.dumps({"accuracy": 1.0}),
    }
