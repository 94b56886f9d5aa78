"""Draw the course's pictures: the five ways of reading, the thread sentence, and both together for the README.

Usage: python tools/draw_road.py    (writes book/_static/*.svg; the same bytes every time)

The colours are chosen to be read on white and on black, so one file serves light and dark.
"""

import html
from itertools import pairwise
from pathlib import Path

INK = "#74808f"  # at least 3.9 : 1 on white and on GitHub's dark page
ACCENT = "#dd6526"  # at least 3.4 : 1 on both
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
OUT = Path(__file__).parents[1] / "book" / "_static"

WIDTH, HEIGHT = 160, 110  # of one glyph
COLUMNS = [20, 50, 80, 110, 140]
BOTTOM, TOP = 90, 20


def line(x1, y1, x2, y2, colour=INK, width=1.4, opacity=1.0):
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" '
        f'stroke-width="{width:g}" opacity="{opacity:g}"/>'
    )


def dot(x, y, colour=INK, radius=6, hollow=False):
    fill = f'fill="none" stroke="{colour}" stroke-width="2"' if hollow else f'fill="{colour}"'
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius - 1 if hollow else radius:g}" {fill}/>'


def text(x, y, content, size=16, colour=INK, anchor="middle", weight="400", style="normal"):
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-style="{style}" font-family="{FONT}">{html.escape(content)}</text>'
    )


def sequences():
    """A state is handed on from word to word; the last one has to hold everything."""
    parts = [line(x, BOTTOM - 7, x, 55 + 7) for x in COLUMNS]
    parts += [line(a + 7, 55, b - 7, 55) for a, b in pairwise(COLUMNS)]
    parts += [line(COLUMNS[-1], 55 - 7, COLUMNS[-1], TOP + 7, ACCENT, 2.4)]
    parts += [dot(x, BOTTOM) for x in COLUMNS] + [dot(x, 55) for x in COLUMNS[:-1]]
    return [*parts, dot(COLUMNS[-1], 55, ACCENT), dot(COLUMNS[-1], TOP, ACCENT)]


def attention():
    """One output looks at every input, at some more than at others."""
    weights = [0.5, 1.2, 4.5, 2.2, 0.8]
    seen = 110
    parts = [line(x, BOTTOM, seen, TOP, ACCENT, w) for x, w in zip(COLUMNS, weights, strict=True)]
    parts += [dot(x, BOTTOM) for x in COLUMNS] + [dot(x, TOP) for x in COLUMNS if x <= 80]
    return [*parts, dot(seen, TOP, ACCENT)]


def language_models():
    """Each word is predicted from those before it, and from no other."""
    parts = []
    for number, top in enumerate(COLUMNS):
        last = number == len(COLUMNS) - 1
        for bottom in COLUMNS[: number + 1]:
            parts.append(line(bottom, BOTTOM, top, TOP, ACCENT if last else INK, 1.4, 1.0 if last else 0.55))
    parts += [dot(x, BOTTOM) for x in COLUMNS] + [dot(x, TOP) for x in COLUMNS[:-1]]
    return [*parts, dot(COLUMNS[-1], TOP, ACCENT)]


def bert():
    """A hidden word is predicted from both sides."""
    hidden = 80
    parts = [line(b, BOTTOM, t, TOP, INK, 1.2, 0.4) for b in COLUMNS for t in COLUMNS if hidden not in (b, t)]
    parts += [line(b, BOTTOM, hidden, TOP, ACCENT, 2) for b in COLUMNS if b != hidden]
    parts += [dot(x, BOTTOM) for x in COLUMNS if x != hidden] + [dot(x, TOP) for x in COLUMNS if x != hidden]
    return [*parts, dot(hidden, BOTTOM, ACCENT, hollow=True), dot(hidden, TOP, ACCENT)]


def flavours():
    """A large model and what is made of it: fewer layers, shared weights, other masks."""
    large, small = [18, 42, 66], [118, 142]
    parts = []
    for low, high in ((BOTTOM, 55), (55, TOP)):
        parts += [line(a, low, b, high, INK, 1.2, 0.55) for a in large for b in large]
    parts += [line(a, 78, b, 32, ACCENT, 1.6) for a in small for b in small]
    parts += [dot(x, y) for x in large for y in (BOTTOM, 55, TOP)]
    parts += [dot(x, y, ACCENT) for x in small for y in (78, 32)]
    return [
        *parts,
        line(80, 55, 102, 55, ACCENT, 2.4),
        line(95, 49, 102, 55, ACCENT, 2.4),
        line(95, 61, 102, 55, ACCENT, 2.4),
    ]


PARTS = [
    ("sequences", "Sequences", "one word after another", sequences),
    ("attention", "Attention", "look where it matters", attention),
    ("language-models", "Language models", "learn from plain text", language_models),
    ("bert", "BERT", "read both sides", bert),
    ("flavours", "Flavours", "smaller, faster, better fed", flavours),
]

WORDS = [("Griezmann’s", 80), ("his", 215), ("he", 300), ("the Frenchman", 435), ("his", 570)]


def thread(top=0):
    """Five ways to name one person, and the arcs that a reader draws without noticing."""
    parts = []
    base = top + 92
    for (_, a), (_, b) in pairwise(WORDS):
        height = 22 + (b - a) * 0.22
        parts.append(
            f'<path d="M {a} {base - 26} Q {(a + b) / 2:g} {base - 26 - height * 1.4:g} {b} {base - 26}" '
            f'fill="none" stroke="{ACCENT}" stroke-width="2.2"/>'
        )
    for word, x in WORDS:
        parts.append(text(x, base, word, 23, INK, weight="600"))
    return parts


def svg(width, height, title, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">\n<title>{html.escape(title)}</title>\n' + "\n".join(body) + "\n</svg>\n"
    )


def group(x, y, body, scale=1):
    return [f'<g transform="translate({x:g} {y:g}) scale({scale:g})">', *body, "</g>"]


def road():
    body = []
    for number, (_, title, motto, glyph) in enumerate(PARTS):
        x = 20 + number * 196
        body += group(x, 8, glyph())
        body += [text(x + WIDTH / 2, 146, title, 19, INK, weight="600"), text(x + WIDTH / 2, 170, motto, 14.5)]
        if number:
            body.append(text(x - 18, 68, "→", 26))
    body += group(180, 172, thread())
    return svg(1000, 282, "The road from sequences to BERT, in five parts, and the sentence that walks it", body)


def icon():
    """Two words, and the arc between them."""
    arc = f'<path d="M 8 22 Q 16 -4 24 22" fill="none" stroke="{ACCENT}" stroke-width="3.5" stroke-linecap="round"/>'
    return svg(32, 32, icon.__doc__, [arc, dot(8, 24, INK), dot(24, 24, INK)])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, _, _, glyph in PARTS:
        content = svg(WIDTH, HEIGHT, glyph.__doc__, glyph())
        (OUT / f"part-{name}.svg").write_text(content, encoding="utf-8")
    (OUT / "thread.svg").write_text(svg(640, 110, thread.__doc__, thread()), encoding="utf-8")
    (OUT / "favicon.svg").write_text(icon(), encoding="utf-8")
    (OUT / "road.svg").write_text(road(), encoding="utf-8")


if __name__ == "__main__":
    main()
