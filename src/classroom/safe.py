"""What learners wrote and printed, made harmless: for pages that other people open in a browser.

Nothing of it becomes markup, but for Markdown, and of that only tags on a short list. What cannot be seen (control
characters, marks that turn text around) is spelt out, and what is endless is cut.
"""

import base64
import binascii
import unicodedata

import bleach
from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors.sanitize import SanitizeHTML
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from traitlets import Bool, Set

from classroom.marks import ANSI

TEXT_LIMIT = 10_000  # characters of one output, one cell, one answer
IMAGE_LIMIT = 2_000_000  # bytes of a picture
PIXEL_LIMIT = 30_000_000
JOINERS = "\u200c\u200d"  # invisible, and needed to write Persian, Hindi and emoji
TAGS = """a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span
strong sub summary sup table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def visible(text, limit=TEXT_LIMIT):
    """Text as a terminal would leave it on the screen, without colours; whatever else cannot be seen is spelt out."""
    text = ANSI.sub("", shorten(str(text), 4 * limit)).replace("\r\n", "\n")
    lines = (line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))  # a progress bar overwrites itself
    return "".join(c if _shows(c) else c.encode("unicode_escape").decode() for c in shorten("\n".join(lines), limit))


def _shows(c):
    return c in "\n\t" or c.isprintable() or c in JOINERS or unicodedata.category(c) == "Zs"


def shorten(text, limit=TEXT_LIMIT):
    """The beginning and the end of a text that is too long, and how much lies between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 3 // 4, limit // 4
    return f"{text[:head]}\n[... {len(text) - head - tail} characters left out ...]\n{text[-tail:]}"


def code(source):
    """Python code as coloured HTML."""
    return Markup(highlight(visible(source), PythonLexer(), HtmlFormatter(cssclass="code", nobackground=True)))


def markdown(source, attachments=None):
    """Markdown as HTML of harmless tags; formulas stay as they were typed."""
    source = visible(source)
    try:
        renderer = _Renderer(escape=False, attachments=attachments or {}, exclude_anchor_links=True)
        html = MarkdownWithMath(renderer=renderer).render(source)
        return Markup(
            bleach.clean(
                html, tags=TAGS, attributes=_allowed, protocols=["http", "https", "mailto", "data"], strip=True
            )
        )
    except Exception:  # whoever nests a thousand quotations reads them as they were typed
        return Markup("<pre>{}</pre>").format(source)


class _Renderer(IPythonRenderer):
    """Without what a block's first line can ask for: any of 500 lexers, or a diagram drawn by a script."""

    def block_code(self, code, info=None):
        return f"<pre><code>{escape(code)}</code></pre>\n"


def _allowed(tag, name, value):
    if tag == "a" and name == "href":
        return value.startswith(("http://", "https://", "mailto:", "#"))
    if tag == "img" and name == "src":
        kind, _, content = value.removeprefix("data:").partition(";base64,")
        return value.startswith("data:") and picture(kind, content) is not None
    return name in ("alt", "title", "align", "colspan", "rowspan", "open")


def picture(kind, content):
    """The address of a picture that a page can show; None if it is not one, or too large to decode."""
    content = "".join("".join(content).split())
    if kind not in PICTURES or len(content) > IMAGE_LIMIT * 4 // 3:
        return None
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not data.startswith(PICTURES[kind]) or not 0 < _pixels(data) <= PIXEL_LIMIT:
        return None
    return f"data:{kind};base64,{content}"


def _pixels(data):
    """How many pixels a PNG or JPEG says that it has; 0 if it does not say."""
    if data.startswith(PICTURES["image/png"]):
        return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        if 0xC0 <= data[place + 1] <= 0xCF and data[place + 1] not in (0xC4, 0xC8, 0xCC):  # the start of a frame
            return int.from_bytes(data[place + 5 : place + 7]) * int.from_bytes(data[place + 7 : place + 9])
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return 0


def outputs(cell):
    """What a code cell showed: [("text", text) | ("error", text) | ("picture", address)]; of other kinds, nothing."""
    shown = []
    for output in cell.get("outputs", []):
        kind, data = output.get("output_type"), output.get("data", {})
        if kind == "stream":
            shown.append(("text", visible("".join(output.get("text", "")))))
        elif kind == "error":
            said = output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]
            shown.append(("error", visible("\n".join(map(str, said)))))
        else:
            found = next(filter(None, (picture(kind, data[kind]) for kind in PICTURES if kind in data)), None)
            if found:
                shown.append(("picture", found))
            elif "text/plain" in data:
                shown.append(("text", visible("".join(data["text/plain"]))))
    return shown


class SafeNotebook(SanitizeHTML):
    """A preprocessor for nbconvert's HTML pages: leaves of a notebook only what they can show without harm.

    nbconvert puts pictures, ids and the metadata of outputs into its pages as they are. Markdown is taken care of
    where it is turned into HTML, by the filter `markdown`.
    """

    enabled = Bool(True)
    safe_output_keys = Set({"text/plain", *PICTURES})
    sanitized_output_types = Set()

    def preprocess(self, nb, resources):
        nb, resources = super().preprocess(nb, resources)
        nb.metadata = type(nb.metadata)()
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        grading = cell.metadata.get("nbgrader")
        cell.metadata = type(cell.metadata)({"nbgrader": grading} if grading else {})
        cell.id = f"cell-{index}"
        if cell.cell_type == "markdown":
            return cell, resources
        cell, resources = super().preprocess_cell(cell, resources, index)
        if cell.cell_type == "code":
            cell.source = visible(cell.source)
            cell.execution_count = None
            cell.outputs = [new for output in cell.outputs if (new := self._output(output))]
        return cell, resources

    def _output(self, output):
        from nbformat.v4 import new_output

        for kind, content in outputs({"outputs": [output]}):
            if kind == "picture":
                kind, _, content = content.removeprefix("data:").partition(";base64,")
                return new_output("display_data", {kind: content})
            return new_output("stream", name="stderr" if kind == "error" else "stdout", text=content)
        return None
