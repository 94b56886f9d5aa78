"""The course's drawing style, and the figures that more than one page uses.

One ink and a few mid-tones that can be read on a white and on a dark page; no background; vector output that is the
same on every build.
"""

import html
from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK = "#74808f"
ACCENT = "#dd6526"
SECOND = "#2b8cbe"
THIRD = "#5a9e4b"


def use_style() -> None:
    """Set the style for all figures that follow, and let notebooks draw them as SVG."""
    mpl.rcParams.update(
        {
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "figure.figsize": (6.6, 3.2),
            "axes.prop_cycle": mpl.cycler(color=[ACCENT, SECOND, THIRD, INK]),
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": INK,
            "ytick.color": INK,
            "text.color": INK,
            "grid.color": INK,
            "grid.alpha": 0.25,
            "font.size": 10,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "svg.hashsalt": "seq2bert",  # without it every build names the shapes anew
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # no notebook, nothing to tell
        return
    set_matplotlib_formats("svg", metadata={"Date": None})


def encoder_decoder(source: Sequence[str], target: Sequence[str], start: str = "<bos>", end: str = "<eos>") -> Figure:
    """An encoder-decoder unrolled in time: the source goes in below, one vector crosses, the target comes out above.

    Args:
        source: tokens in the order in which the encoder reads them.
        target: tokens that the decoder writes, without `<bos>` and `<eos>`.
        start: what the decoder reads first.
        end: what it writes last.
    """
    steps = len(source) + len(target) + 1
    gap = 1.1  # between the two networks, for the context
    figure, axes = plt.subplots(figsize=(0.62 * (steps + gap), 2.5))
    axes.set(xlim=(-0.6, steps + gap - 0.4), ylim=(-1.75, 1.35), aspect="equal")
    axes.axis("off")
    encoder = [float(i) for i in range(len(source))]
    decoder = [len(source) + gap + i for i in range(len(target) + 1)]
    for x, token in zip(encoder, source, strict=True):
        _cell(axes, x, SECOND)
        _arrow(axes, (x, -0.85), (x, -0.36))
        axes.text(x, -1.1, token, ha="center", va="center", color=INK)
    for x, read, written in zip(decoder, [start, *target], [*target, end], strict=True):
        _cell(axes, x, ACCENT)
        _arrow(axes, (x, -0.85), (x, -0.36))
        _arrow(axes, (x, 0.36), (x, 0.85))
        axes.text(x, -1.1, read, ha="center", va="center", color=INK, alpha=0.75, size=9)
        axes.text(x, 1.1, written, ha="center", va="center", color=ACCENT, weight="bold", size=9)
    for chain in (encoder, decoder):
        for left, right in pairwise(chain):
            _arrow(axes, (left + 0.32, 0), (right - 0.32, 0))
    _arrow(axes, (encoder[-1] + 0.32, 0), (decoder[0] - 0.32, 0), color=ACCENT, width=2.6)
    axes.text((encoder[-1] + decoder[0]) / 2, 0.42, "context", ha="center", color=ACCENT, style="italic")
    axes.text((encoder[0] + encoder[-1]) / 2, 0.62, "encoder", ha="center", color=SECOND)
    axes.text(
        (decoder[0] + decoder[-1]) / 2, -1.62, "decoder, reading what it has written", ha="center", color=INK, size=8
    )
    return figure


def recurrent_chain(read: Sequence[str], guessed: Sequence[str]) -> Figure:
    """A recurrent language model unrolled in time: it reads a token, passes its state on, and guesses the next one.

    Args:
        read: tokens in the order in which they are read.
        guessed: what it should say after each of them.
    """
    figure, axes = plt.subplots(figsize=(1.25 * len(read), 2.5))
    axes.set(xlim=(-0.9, 1.7 * len(read) - 0.3), ylim=(-1.4, 1.4), aspect="equal")
    axes.axis("off")
    for i, (token, said) in enumerate(zip(read, guessed, strict=True)):
        x = 1.7 * i
        _cell(axes, x, SECOND)
        _arrow(axes, (x, -0.85), (x, -0.36))
        _arrow(axes, (x, 0.36), (x, 0.85))
        axes.text(x, -1.1, token, ha="center", va="center", color=INK)
        axes.text(x, 1.1, said, ha="center", va="center", color=ACCENT, weight="bold", size=9)
        if i:
            _arrow(axes, (x - 1.38, 0), (x - 0.32, 0), color=SECOND, width=2.0)
            axes.text(x - 0.85, 0.16, f"$h_{i}$", ha="center", color=SECOND)
    return figure


def _cell(axes: Axes, x: float, color: str) -> None:
    axes.add_patch(
        FancyBboxPatch((x - 0.22, -0.26), 0.44, 0.52, boxstyle="round,pad=0.06", fc="none", ec=color, lw=1.8)
    )


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str = INK, width: float = 1.2
) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, color=color, lw=width, shrinkA=0, shrinkB=0)
    )


def shaded_text(pieces: Sequence[str], values: Sequence[float], most: float = 12.0) -> str:
    """A text as HTML whose pieces are shaded by a number each; pointing at one tells the number.

    Args:
        pieces: as a tokenizer gives them; `##` begins a piece that belongs to the one before.
        values: a number for each, such as its surprise in nats.
        most: the number from which the colour is as strong as it gets.
    """
    red, green, blue = (int(ACCENT[i : i + 2], 16) for i in (1, 3, 5))
    spans = []
    for piece, value in zip(pieces, values, strict=True):
        strength = min(max(value / most, 0.0), 1.0)
        gap = "" if piece.startswith("##") or piece in {".", ",", "'", "s"} or not spans else " "
        spans.append(
            f'{gap}<span title="{value:.1f}" style="background: rgba({red}, {green}, {blue}, {0.75 * strength:.2f}); '
            f'border-radius: 3px; padding: 1px 2px">{html.escape(piece.removeprefix("##"))}</span>'
        )
    return f'<p class="shaded-text" style="line-height: 1.9">{"".join(spans)}</p>'


def looks(askers: Sequence[str], looked_at: Sequence[str], weights: Sequence[Sequence[float]]) -> str:
    """Where each token looks, as HTML that can be asked with a pointer, a finger or the arrow keys.

    Without the page's script, `looks.js`, it is a table of the weights.

    Args:
        askers: tokens that look, T of them.
        looked_at: tokens that are looked at, S of them.
        weights: T rows of S numbers.

    Raises:
        ValueError: the weights are not T rows of S.
    """
    if len(weights) != len(askers) or any(len(row) != len(looked_at) for row in weights):
        raise ValueError(f"weights must be {len(askers)} rows of {len(looked_at)}")
    rounded = [[round(float(weight), 3) for weight in row] for row in weights]
    buttons = "".join(f'<button type="button">{html.escape(token)}</button>' for token in askers)
    tokens = "".join(f"<span>{html.escape(token)}</span>" for token in looked_at)
    head = "".join(f'<th scope="col">{html.escape(token)}</th>' for token in looked_at)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(token)}</th>{"".join(f"<td>{weight:.2f}</td>" for weight in row)}</tr>'
        for token, row in zip(askers, rounded, strict=True)
    )
    # A table of class "dataframe" keeps the theme from laying a light ground under the figure on a dark page.
    return (
        f'<div class="looks" data-weights="{rounded}">'
        f'<div class="looks-askers" role="group" aria-label="Choose who looks">{buttons}</div>'
        f'<div class="looks-at">{tokens}</div><p class="looks-said" aria-live="polite"></p>'
        f'<table class="dataframe"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def band(axes: Axes, x: Sequence[float], metric: dict, label: str, color: str, scale: float = 1.0) -> None:
    """A curve with its spread over seeds: the line is the mean, the band one standard deviation to each side.

    Args:
        axes: where to draw.
        x: the axis of the curve.
        metric: `mean` and `std` of a curve, as `Record.metric` returns them.
        label: for the legend.
        color: of line and band.
        scale: what to multiply by, such as 100 for per cent.
    """
    mean = [scale * value for value in metric["mean"]]
    axes.plot(x, mean, color=color, label=label, marker="o", markersize=4)
    if metric["std"][0] is not None:
        low = [m - scale * s for m, s in zip(mean, metric["std"], strict=True)]
        high = [m + scale * s for m, s in zip(mean, metric["std"], strict=True)]
        axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)


def two_ways(tokens: Sequence[str]) -> Figure:
    """How the last token learns of the first: along a chain of states, and in one look.

    Args:
        tokens: in their order.
    """
    last = len(tokens) - 1
    figure, (chain, direct) = plt.subplots(
        2, 1, figsize=(last + 1.2, 4.1), height_ratios=(1.25, 2.25), layout="constrained"
    )
    for axes, title, top in ((chain, "a recurrent network", 0.5), (direct, "attention", 1.5)):
        axes.set(xlim=(-0.6, last + 0.6), ylim=(-0.75, top), aspect="equal")
        axes.axis("off")
        axes.set_title(title, size=10, color=INK)
        for x, token in enumerate(tokens):
            _cell(axes, x, SECOND)
            axes.text(x, -0.62, token, ha="center", color=INK, size=9)
    for x in range(last):
        _arrow(chain, (x + 0.3, 0), (x + 0.7, 0), color=ACCENT, width=2.0)
    for x in range(last):
        direct.add_patch(
            FancyArrowPatch(
                (last, 0.36),
                (x, 0.36),
                connectionstyle="arc3,rad=0.45",
                arrowstyle="-|>",
                mutation_scale=9,
                color=INK if x else ACCENT,
                lw=1.0 if x else 2.0,
            )
        )
    return figure
