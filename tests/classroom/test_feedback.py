"""What a learner reads after grading, and what nobody may read or run there."""

import base64
import json
import re
import struct
import threading
import zlib
from html import unescape
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from made_up import POINTS, a_result, executed, failed, printed, shown, write_executed, write_result
from markupsafe import Markup, escape
from nbgrader.api import Gradebook
from tiny_course import NAME, RIGHT, SLUG, code, make_course, notebook, source_cells, test_cell, write

from classroom import feedback as module
from classroom import gradebook, page, safe
from classroom.course import ClassroomError, Course
from classroom.feedback import feedback

pytestmark = pytest.mark.course
HIDDEN = ["add(-41", "-21", "scale([], 77)", "HIDDEN TESTS"]


def png(width=2, height=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width + 1) * height) if width < 100 else b"")
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


class Reader(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.other = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.other.append(data)

    handle_pi = unknown_decl = handle_comment

    @property
    def text(self):
        return "".join(self.texts)


OURS = {"html", "head", "meta", "title", "style", "body", "main", "header", "progress", "section", "bdi", "small"}
ATTRIBUTES = {"class", "id", "href", "src", "alt", "title", "colspan", "rowspan", "align", "open", "lang", "charset"}
ATTRIBUTES |= {"http-equiv", "content", "name", "value", "max", "aria-label"}


def harm_in(html):
    """What of a page could run or load something, or is not known to be harmless."""
    reader = Reader(html)
    found = [tag for tag in reader.tags if tag not in OURS | set(safe.TAGS)]
    found += reader.other
    for tag, name, value in reader.attributes:
        allowed = name in ATTRIBUTES and (name not in ("name", "content") or tag == "meta")
        if name == "href":
            allowed = tag == "a" and not re.match(r"\s*(javascript|data|vbscript|file):", value, re.IGNORECASE)
        if name == "src":
            allowed = tag == "img" and value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
        if not allowed:
            found.append(f"{tag} {name}={value[:40]}")
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    found += [] if style == page.STYLE else ["another style"]
    found += [c for c in html if not safe._shows(c)]
    return found


@pytest.fixture
def write_pages(course, tmp_path):
    """Write the feedback of made-up results: {learner: page}, and the index under its name."""

    def run(*results, course=course, **notebooks):
        folder = tmp_path / "class"
        for result in results:
            write_result(folder, result)
            if result["executed"]:
                write_executed(folder, result["learner"], notebooks.get(result["learner"], executed()))
        index = feedback(course, SLUG, folder)
        pages = {path.parent.parent.name: path.read_text() for path in index.parent.glob(f"*/{SLUG}/{NAME}.html")}
        pages["index"] = index.read_text()
        for name, html in pages.items():
            assert harm_in(html) == [], name
            assert Reader(html).attributes[3] == ("meta", "content", page.POLICY), "before anything that it governs"
        return pages

    return run


def said(html):
    return " ".join(Reader(html).text.split())


def test_marks_messages_and_own_code(write_pages):
    points = {**POINTS, "scale_visible": 0.5, "scale_hidden": 0.0}
    half = a_result("ada", points, {"scale_hidden": "nothing < nothing"})
    outputs = {
        "add": [
            printed("loading 10%\rloading 90%\rdone\n\x1b[31mred\x1b[0m <b>"),
            failed("ValueError", "x", "at line 1"),
        ],
        "add_visible": [printed("right on 4 draws"), failed("AssertionError", "x")],
        "add_hidden": [printed("whispered")],
    }
    pages = write_pages(half, a_result("bob"), ada=executed(outputs=outputs))
    text = said(pages["ada"])
    assert "5.5 of 10 points" in text
    assert text.count("nothing < nothing") == 2, "in the list of tasks and at the task"
    assert "def add(a, b):" in text
    assert "done red <b>" in text
    assert "loading" not in text
    assert "at line 1" in text
    assert "right on 4 draws" in text
    assert "AssertionError" not in text
    assert "whispered" not in text
    assert "# Sums" not in pages["ada"]
    assert "Sums" in text
    assert "Two tasks" not in text, "the assignment's own text is not repeated"
    assert 'class="part"' in pages["ada"]
    assert f'href="ada/{SLUG}/{NAME}.html"' in pages["index"]
    assert "5.5 of 10" in said(pages["index"])
    assert said(pages["index"]).index("ada") < said(pages["index"]).index("bob")


def test_every_state_says_what_it_means(write_pages):
    reason = "sums.ipynb is not JSON: save it again from Jupyter"
    nothing = dict.fromkeys(POINTS, 0.0)
    pages = write_pages(
        a_result("graded"),
        a_result("limited", nothing, state="graded with limits hit", reason="stopped after 2 s: scale"),
        a_result("junk", nothing, state="quarantined", reason=reason, executed=False, set_aside=[["x.exe", "what?"]]),
        a_result("again", state="to be graded again", reason="a new grading began"),
    )
    assert "10 of 10 points" in said(pages["graded"])
    assert "stopped after 2 s: scale" in said(pages["limited"])
    assert reason in said(pages["junk"])
    assert "x.exewhat?" in said(pages["junk"])
    assert "Your notebook" not in pages["junk"]
    assert "These marks are not valid now" in said(pages["again"])
    assert '<main class="invalid">' in pages["again"]
    assert "to be graded again" in said(pages["index"])
    assert reason in said(pages["index"])


def test_what_people_and_the_clock_did_is_shown(write_pages, course, tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    url = gradebook.url_of(folder)
    gradebook.prepare(course, SLUG, url, tmp_path)
    result = a_result(
        "ada", {**POINTS, "add_hidden": None}, {"add_hidden": "waits"}, timestamp="2026-03-01T13:05:00+00:00"
    )
    gradebook.fill(url, [result], course)
    text = said(write_pages(result)["ada"])
    assert "waits for a grader" in text
    assert "Waiting for a person: 1 of 4 tasks" in text
    assert "handed in 1 March 2026, 13:05 UTC" in text

    with Gradebook(url) as book:
        grade = book.find_grade("add_hidden", NAME, SLUG, "ada")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.5, 0.25, False
        book.find_comment("add", NAME, SLUG, "ada").manual_comment = "well <i>put</i>"
        book.find_submission(SLUG, "ada").notebooks[0].late_submission_penalty = 2
        book.db.commit()
        book.update_or_create_assignment(SLUG, duedate="2026-03-01 12:00:00 UTC")
    late = Course(make_course(tmp_path / "late"))
    with (late.root / "nbgrader_config.py").open("a") as file:
        file.write("from nbgrader.plugins import LateSubmissionPlugin\nclass Rule(LateSubmissionPlugin):\n")
        file.write("    def late_submission_penalty(self, *args):\n        return 2\n")
        file.write("c.AssignLatePenalties.plugin_class = Rule\n")
    pages = write_pages(result, course=late)
    assert "6.75 of 10 points" in said(pages["ada"])
    assert "1.75 of 3, given by a person" in said(pages["ada"])
    assert "Handed in late: 2 less." in said(pages["ada"])
    assert "from your graderwell <i>put</i>" in said(pages["ada"])
    assert "6.75 of 10" in said(pages["index"])


def test_hidden_tests_are_nowhere(write_pages):
    source = source_cells()
    source[4]["metadata"]["nbgrader"]["comment"] = source[4]["source"]
    quoting = source[4]["source"]
    outputs = {
        "setup": [printed(f"look: {quoting}"), shown(**{"text/plain": quoting, "text/html": quoting})],
        "add": [failed("SyntaxError", "x", "in", *quoting.splitlines())],
        "add_visible": [printed("assert    add(-41,\n 20) == -21, 'negative numbers count too'")],
        "add_hidden": [failed("AssertionError", "negative", quoting)],
    }
    messages = {"add_hidden": "negative numbers count too", "scale_hidden": f"SyntaxError: {source[7]['source']}"}
    result = a_result("ada", {**POINTS, "add_hidden": 0.0, "scale_hidden": 0.0}, messages)
    html = write_pages(result, ada=executed(outputs=outputs, cells=source))["ada"]
    plain = unescape(re.sub(r"<[^>]*>", "", html)) + html
    for secret in HIDDEN:
        assert secret not in plain, secret
    assert said(html).count("negative numbers count too") == 2, "the message is shown"
    assert said(html).count(module.WITHHELD) >= 4


def test_hidden_lines_of_all_kinds(course):
    regions = module.hidden_regions(course)
    source = """visible()
### BEGIN HIDDEN TESTS
for x in [1]:
    assert f(1234) == 5678, '''
        This long line is the message that the test means to give.
    '''
### END HIDDEN TESTS
also_visible()
### BEGIN HIDDEN TESTS
never_ending()"""
    assert module.released(source, regions) == "visible()\nalso_visible()"
    assert module.hidden_lines(source, regions) == ["assert f(1234) == 5678, '''", "for x in [1]:", "never_ending()"]
    assert module.released("a\n### BEGIN MARK SCHEME\nb\n### END MARK SCHEME\nc", regions) == "a\nc"
    own = Course(course.root)
    own.__dict__["config"] = {"ClearHiddenTests": {"begin_test_delimeter": "VVV", "end_test_delimeter": "AAA"}}
    assert module.released("a\n# VVV\nb\n# AAA\nc", module.hidden_regions(own)) == "a\nc"


PAYLOADS = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload='window.hacked = 1'><script>window.hacked = 1</script></svg>",
    "<svg><style><img src=x onerror=window.hacked=1></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=window.hacked=1&gt;'>",
    "</style><script>window.hacked = 1</script>",
    "</title></pre></code></section><script>window.hacked = 1</script>",
    "'\"><script>window.hacked = 1</script>",
    "<iframe src='javascript:parent.hacked = 1'></iframe><iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "[click](javascript:window.hacked=1) [a](JaVaScRiPt:window.hacked=1) [b](data:text/html,<script>hacked=1</script>)",
    "[c](&#106;avascript:window.hacked=1) [d](java\tscript:window.hacked=1) <a href=' javascript:hacked=1'>e</a>",
    "<a href='vbscript:x'>f</a> [g](/formgrader?path=submitted) [h](//127.0.0.1:9/x) [i](../../gradebook.db)",
    "![a](javascript:window.hacked=1) ![b](http://127.0.0.1:9/b.png) ![c](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](x 'y' onerror=window.hacked=1) ![a](data:image/png;base64,x\"onerror=window.hacked=1//)",
    "<b style='background: url(http://127.0.0.1:9/c)' onclick='window.hacked = 1'>bold</b>",
    "<style>@import 'http://127.0.0.1:9/d'; body { background: url(http://127.0.0.1:9/e) }</style>",
    "<link rel=stylesheet href=http://127.0.0.1:9/f><base href=http://127.0.0.1:9/><object data=http://127.0.0.1:9/g>",
    "<meta http-equiv=refresh content='0; url=http://127.0.0.1:9/h'><form action=http://127.0.0.1:9/i><input>",
    "<video src=http://127.0.0.1:9/j autoplay><audio src=http://127.0.0.1:9/k><embed src=http://127.0.0.1:9/l>",
    "<details open ontoggle='window.hacked = 1'><summary>x</summary></details><input onfocus=hacked=1 autofocus>",
    "<!-- --!><script>window.hacked = 1</script> --><![CDATA[<script>window.hacked=1</script>]]><?php x ?>",
    "```html\n<script>window.hacked = 1</script>\n```\n\n```mermaid\n<script>window.hacked = 1</script>\n```",
    "$<script>window.hacked = 1</script>$ $$</pre><script>hacked=1</script>$$ \\begin{a}<svg onload=hacked=1>\\end{a}",
    "{{ 7 * 7 }} {% raw %} ${7*7} {{ config }}",
    "\u202ereversed\u202c \u2066isolated\u2069 zero\u200bwidth\ufeff bell\x07 null\x00 escape\x1b]0;a\x07 half\ud83d",
    "a" * 200_000,
    "\n" * 50_000,
    "> " * 4000 + "deep",
    "<b>" * 4000 + "deep",
    "[" * 8000,
]


def attacked(payloads=PAYLOADS):
    """A result and a notebook in which every string that a learner can reach carries a payload."""
    cells = source_cells()
    answer = {"schema_version": 3, "grade": True, "solution": True, "locked": False, "task": False, "points": 1}
    for number, payload in enumerate(payloads):
        written = {"nbgrader": {**answer, "grade_id": f"written{number}"}}
        cells.append({"cell_type": "markdown", "id": f"w{number}", "metadata": written, "source": payload})
        cells.append(code(f"c{number}", payload))
        pictures = {"image/png": payload, "image/svg+xml": payload, "application/javascript": payload}
        cells[-1]["outputs"] = [
            printed(payload),
            failed(payload, payload, payload),
            shown(**{"text/html": payload, "text/markdown": payload, "text/latex": payload, "text/plain": payload}),
            shown(**pictures),
            {**shown(**{"image/png": png(), "text/plain": ""}), "metadata": {"image/png": {"width": payload}}},
        ]
    messages = {name: PAYLOADS[number] for number, name in enumerate(POINTS)}
    points = {**dict.fromkeys(POINTS, 0.0), **{f"written{n}": 0.0 for n in range(len(payloads))}}
    messages |= {f"written{n}": payload[:3000] for n, payload in enumerate(payloads)}
    aside = [[payload[:300], payload[:300]] for payload in payloads]
    result = a_result("mallory", points, messages, reason=" ".join(PAYLOADS[:25]), set_aside=aside)
    result["state"] = "graded with limits hit"
    return result, executed(cells=cells)


def test_nothing_of_an_attack_is_left(write_pages):
    result, evil = attacked()
    html = write_pages(result, mallory=evil)["mallory"]
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }} {% raw %} ${7*7} {{ config }}" in said(html)
    assert "\\u202ereversed\\u202c" in said(html)
    assert "null\\x00" in said(html)
    assert "half\\ud83d" in said(html)
    assert "characters left out" in said(html)
    assert len(html) < 4_000_000
    assert f"data:image/png;base64,{png()}" in html


@pytest.mark.browser
def test_nothing_runs_and_nothing_is_asked_for(write_pages, browser, tmp_path):
    result, evil = attacked()
    write_pages(result, mallory=evil)
    for path in (tmp_path / "class" / "feedback").rglob("*.html"):
        context = browser.new_context()
        tab = context.new_page()
        requests, problems = [], []
        tab.on("request", lambda request: requests.append(request.url))  # noqa: B023
        tab.on("console", lambda message: problems.append(message.text))  # noqa: B023
        tab.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))  # noqa: B023
        tab.goto(path.as_uri())
        for opener in tab.locator("summary").all():
            opener.click()
        assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
        assert problems == []
        assert tab.evaluate("window.hacked") is None
        links = tab.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
        assert [link for link in links if link and not link.startswith(("#", f"mallory/{SLUG}/"))] == []
        context.close()


@pytest.mark.browser
def test_the_policy_holds_even_if_markup_got_through(browser, tmp_path):
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    evil = "".join(payload for payload in PAYLOADS[:20] if "refresh" not in payload)
    evil = evil.replace("127.0.0.1:9", f"127.0.0.1:{server.server_port}")
    cell = dict.fromkeys(("task", "note", "comment", "code"), "") | {"text": Markup(evil), "outputs": []}
    values = dict.fromkeys(("learner", "assignment", "state", "notebook", "look", "handed_in", "notice"), "x")
    lists = {"tasks": [], "set_aside": [], "cells": [cell]}
    html = page.render("learner", **values, **lists, score=0, max=0, penalty=0, waiting=0)
    context = browser.new_context()
    try:
        tab = context.new_page()
        tab.goto(write(tmp_path / "page.html", html).as_uri())
        tab.wait_for_timeout(300)
        assert tab.evaluate("window.hacked") is None
        assert asked == []
        tab.goto(
            write(tmp_path / "page.html", html.replace(str(escape(page.POLICY)), "")).as_uri(), wait_until="commit"
        )
        tab.wait_for_timeout(300)
        assert tab.evaluate("window.hacked") == 1, "without the policy these payloads work"
        assert asked != []
    finally:
        context.close()
        server.shutdown()


LEGIBLE = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => {
      v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour != "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("main *")].filter(e => [...e.childNodes].some(
    n => n.nodeType == 3 && n.textContent.trim())).map(e => {
      const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), e.tagName + "." + e.className, e.textContent.slice(0, 30)];
    }).filter(found => found[0] < 4.5);
}"""


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_legible_and_fit(write_pages, browser, tmp_path, mode, width):
    outputs = {"add": [printed("x" * 500), failed("E", "x", "at"), shown(**{"image/png": png(2, 2)})]}
    cells = source_cells()
    cells[5]["metadata"]["classroom"] = {"note": "a note"}
    points = {"add_visible": 2.0, "add_hidden": 1.0, "scale_visible": 0.0, "scale_hidden": None}
    messages = {"add_hidden": "partly " + "right" * 100, "scale_visible": "wrong"}
    mixed = a_result(
        "ada" + "a" * 100, points, messages, state="graded with limits hit", reason="it took " + "long" * 40
    )
    answers = {**RIGHT, "add": "# why\n@decorated\ndef add(a, b):\n    return 'x' + 1.5 or lambda: None\nclass A: pass"}
    again = a_result("again", state="to be graded again", set_aside=[["file" * 30, "reason"]])
    write_pages(mixed, again, a_result("junk", executed=False, state="quarantined", reason="no"), **{
        mixed["learner"]: executed(answers, outputs, cells)})  # fmt: skip
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)
    tab = context.new_page()
    for path in (tmp_path / "class" / "feedback").rglob("*.html"):
        tab.goto(path.as_uri())
        assert tab.evaluate(LEGIBLE) == [], path.name
        assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
        assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth)")
    context.close()


def test_text_that_cannot_be_seen_or_does_not_end():
    assert safe.visible("a\tb\u00a0c\u200dd 👩‍🔬 ü\r\nnext") == "a\tb\u00a0c\u200dd 👩‍🔬 ü\nnext"
    assert safe.visible("10%\r20%\r100%\nend\r") == "100%\nend"
    assert (
        safe.visible("\x1b[1;31mred\x1b[0m \u202e \x00 \ud800 \x85 \ufffe") == "red \\u202e \\x00 \\ud800 \\x85 \\ufffe"
    )
    long = safe.visible("a" * 10**7)
    assert len(long) < 1.01 * safe.TEXT_LIMIT
    assert "characters left out" in long


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", "not base64 !"),
        ("image/png", base64.b64encode(b"<svg onload=alert(1)>").decode()),
        ("image/png", png(40_000, 40_000)),
        ("image/png", base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()),
        ("image/png", "iVBORw0KGgo" + "A" * 4_000_000),
        ("image/jpeg", png()),
        ("image/jpeg", base64.b64encode(b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + b"\0" * 20).decode()),
        ("image/jpeg", base64.b64encode(b"\xff\xd8\xff\xe0\x00\x00" * 3).decode()),
        ("image/svg+xml", base64.b64encode(b"<svg/>").decode()),
        ("image/gif", base64.b64encode(b"GIF89a").decode()),
    ],
)
def test_pictures_that_are_not_shown(kind, content):
    assert safe.picture(kind, content) is None
    assert safe.outputs({"outputs": [shown(**{kind: content, "text/plain": "<Figure>"})]}) == [("text", "<Figure>")]


def test_pictures_that_are_shown():
    jpeg = base64.b64encode(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x10\x00\x10" + b"\0" * 9).decode()
    assert safe.picture("image/jpeg", jpeg) == f"data:image/jpeg;base64,{jpeg}"
    assert safe.picture("image/png", [png()[:20] + "\n", png()[20:]]) == f"data:image/png;base64,{png()}"


def test_written_answers_keep_their_form():
    html = safe.markdown("**bold** $a < b$ `x < y` [c](https://e.org)\n\n> quoted\n\n| a |\n|---|\n| b |\n\n1. one")
    for part in (
        "<strong>bold</strong>",
        "$a &lt; b$",
        "<code>x &lt; y</code>",
        "<blockquote>",
        "<td>b</td>",
        "<li>one",
    ):
        assert part in html
    assert 'href="https://e.org"' in html
    picture = {"p.png": {"image/png": png()}, "s.svg": {"image/svg+xml": "x"}}
    assert f"data:image/png;base64,{png()}" in safe.markdown("![p](attachment:p.png)", picture)
    assert "svg" not in safe.markdown("![p](attachment:s.svg)", picture)
    assert safe.markdown("![p](attachment:gone.png)") == "<pre>![p](attachment:gone.png)</pre>"


def test_a_page_has_an_end(write_pages):
    cells = source_cells()
    for number in range(400):
        cells.append(code(f"c{number}", f"print({number})" + "# x" * 3000))
        cells[-1]["outputs"] = [printed("y" * 9000)]
    html = write_pages(a_result("ada"), ada=executed(cells=cells))["ada"]
    assert len(html) < 4 * module.PAGE_TEXT
    assert "the page is full" in html


def test_pages_that_are_of_no_use_any_more_vanish(write_pages, course, tmp_path):
    folder = tmp_path / "class"
    write_pages(a_result("ada"), a_result("bob"))
    other = write(folder / "feedback" / "bob" / "02_other" / "x.html", "kept")
    stale = write(folder / "feedback" / "ada" / SLUG / "old-name.html", "gone")
    (folder / "results" / "bob" / f"{SLUG}.json").unlink()
    pages = write_pages()
    assert pages.keys() == {"ada", "index"}
    assert "bob" not in pages["index"]
    assert other.exists()
    assert not stale.exists()


def test_an_executed_notebook_that_is_lost_or_broken(write_pages, tmp_path):
    path = tmp_path / "class" / "autograded" / "ada" / SLUG / f"{NAME}.ipynb"
    write_result(
        tmp_path / "class", a_result("ada", {**POINTS, "add_hidden": 0.0}, {"add_hidden": source_cells()[4]["source"]})
    )
    for content in ("[", "{}", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}'):
        write(path, content)
        assert "The executed notebook cannot be shown: " in said(write_pages()["ada"])
    path.unlink()
    text = said(write_pages()["ada"])
    assert "The executed notebook cannot be shown: " in text
    assert "7 of 10 points" in text
    assert "add(-41" not in text


def test_several_notebooks(write_pages, course, tmp_path):
    own = Course(make_course(tmp_path / "two"))
    write(own.source / SLUG / "more.ipynb", notebook([test_cell("b", 1, "assert True")]))
    result = a_result("ada")
    result["tasks"].append(
        {**result["tasks"][0], "notebook": "more", "grade_id": "b", "points": 1.0, "max_points": 1.0}
    )
    pages = write_pages(result, course=own)
    assert "10 of 10 points" in said(pages["ada"])
    assert "1 of 1 points" in said((tmp_path / "class" / "feedback" / "ada" / SLUG / "more.html").read_text())
    assert pages["index"].count("<a ") == 2


def test_results_that_are_not(course, tmp_path):
    with pytest.raises(ClassroomError, match="run `classroom grade` first"):
        feedback(course, SLUG, tmp_path)
    whole = a_result("ada")
    broken = [{}, [], {**whole, "learner": "bob"}, {**whole, "tasks": [{}]}, {**whole, "total": float("nan")}, "{"]
    for content in broken:
        write(tmp_path / "results" / "ada" / f"{SLUG}.json", content if content == "{" else json.dumps(content))
        with pytest.raises(ClassroomError, match=r"ada/01_sums\.json is not a result: delete it and grade ada again"):
            feedback(course, SLUG, tmp_path)
