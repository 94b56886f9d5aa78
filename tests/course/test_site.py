"""The built book in a real browser: every page opens, by day and by night, on a desk and on a phone, and offline."""

import functools
import re
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import toc_pages

DESK, PHONE = (1280, 900), (390, 844)
REMOTE = re.compile(r"^(https?:)?//")

# For each kind of text, its worst contrast with the ground it stands on, after WCAG 2: 4.5 is legible.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = colour => {
    const [r, g, b] = colour.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 250) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const worst = {};
  for (const kind of ["h1", "h2", "p", "li", "td", "th", "a", "pre", "pre span", "code", "summary", "mjx-container"]) {
    for (const element of document.querySelectorAll("article " + kind)) {
      const style = getComputedStyle(element);
      if (!element.textContent.trim() || !element.checkVisibility() || element.closest(".headerlink")) continue;
      const a = light(rgba(style.color).slice(0, 3)), b = light(ground(element));
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < (worst[kind]?.[0] ?? 99)) worst[kind] = [ratio, element.textContent.trim().slice(0, 40)];
    }
  }
  return worst;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def visit(browser):
    """Open an address in a fresh profile; gives the page, the addresses asked for, and all that went wrong."""
    contexts = []

    def open_page(url, size=DESK, mode="light", wait=None):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=mode)
        contexts.append(context)
        page = context.new_page()
        requests, problems = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.on(
            "response", lambda answer: problems.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else 0
        )
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else 0)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url, wait_until="load")
        page.wait_for_function("!window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)")
        page.evaluate("document.fonts.ready.then(() => true)")
        return page, requests, problems

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", toc_pages())
def test_page_opens_and_is_legible(visit, address, name, size, mode):
    page, requests, problems = visit(f"{address}/{name}.html", size, mode)
    assert problems == []
    assert [url for url in requests if not url.startswith((address, "data:"))] == [], "loaded from elsewhere"
    assert page.evaluate("document.documentElement.dataset.theme") == mode
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"the page scrolls sideways by {overflow} pixels"
    faint = {kind: found for kind, found in page.evaluate(CONTRAST).items() if found[0] < 4.5}
    assert not faint, f"text with too little contrast: {faint}"


@pytest.mark.browser
@pytest.mark.parametrize("name", toc_pages())
def test_mathematics_and_pictures_are_shown(visit, address, name):
    page, _, _ = visit(f"{address}/{name}.html")
    formulas = page.locator("article .math.notranslate").count()
    assert page.locator("mjx-container").count() == formulas
    assert page.locator("mjx-merror").count() == 0, "a formula has an error"
    if formulas:
        assert page.evaluate("[...document.fonts].some(f => f.family.includes('MJX') && f.status == 'loaded')")
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    images = page.evaluate("[...document.images].map(image => [image.src, image.alt.trim(), image.naturalWidth])")
    assert [source for source, alt, _ in images if not alt] == [], "a picture without alternative text"
    assert [source for source, _, width in images if not width] == [], "a picture that does not load"


@pytest.mark.browser
def test_the_choice_of_light_and_dark_is_kept(visit, address):
    page, _, problems = visit(f"{address}/book/notation.html")
    seen = {page.evaluate("document.documentElement.dataset.mode")}
    for _ in range(3):
        page.locator("button.theme-switch-button:visible").first.click()
        seen.add(page.evaluate("document.documentElement.dataset.mode"))
    assert seen == {"auto", "light", "dark"}
    assert problems == []


@pytest.mark.browser
def test_search_finds_a_word_without_a_server_of_its_own(visit, address):
    page, requests, problems = visit(f"{address}/search.html?q=Griezmann")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    assert page.locator("#search-results li a", has_text="From Sequences to BERT").count() >= 1
    assert problems == []
    assert all(url.startswith((address, "data:")) for url in requests)


@pytest.mark.browser
def test_the_book_reads_from_the_disk(visit, site):
    page, requests, problems = visit((site / "book" / "notation.html").as_uri())
    # The theme asks for its icon fonts in advance, in a way that is not allowed for files; it gets them all the same.
    left = [p for p in problems if "webfonts" not in p and "net::ERR_FAILED" not in p]
    assert left == []
    assert all(url.startswith(("file:", "data:")) for url in requests)
    assert page.locator("mjx-container").count() > 10
    assert page.evaluate("[...document.fonts].some(f => f.family.includes('Awesome') && f.status == 'loaded')")


class Addresses(HTMLParser):
    """What a page links to, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if "id" in named:
            self.anchors.add(named["id"])
        if tag == "a" and named.get("href"):
            self.links.append(named["href"])
        elif tag in {"script", "img", "iframe", "source", "video", "audio"} and named.get("src"):
            self.loads.append(named["src"])
        elif tag == "link" and named.get("href") and named.get("rel") not in {"canonical"}:
            self.loads.append(named["href"])


@functools.cache
def parsed(path):
    return Addresses(path.read_text(encoding="utf-8"))


def test_every_page_of_the_contents_was_built(site):
    assert [name for name in toc_pages() if not (site / f"{name}.html").is_file()] == []


def test_nothing_is_loaded_from_elsewhere(site):
    """Also what only some button would load: the pages name no script, style, font or picture of another host."""
    for path in site.rglob("*.html"):
        remote = [address for address in parsed(path).loads if REMOTE.match(address)]
        assert remote == [], path.name
        assert "unpkg.com" not in path.read_text(encoding="utf-8"), path.name
        assert "jsdelivr" not in path.read_text(encoding="utf-8"), path.name
        assert "jupyter.widget" not in path.read_text(encoding="utf-8"), (
            f"{path.name}: a widget needs scripts from a CDN"
        )


def test_every_link_inside_the_book_leads_somewhere(site):
    dead = []
    for name in toc_pages():
        page = site / f"{name}.html"
        for address in parsed(page).links + parsed(page).loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                dead.append(f"{name}: {address}")
            elif parts.fragment and target.suffix == ".html" and parts.fragment not in parsed(target).anchors:
                dead.append(f"{name}: {address} (no such anchor)")
    assert dead == []


def test_only_the_mathematics_that_is_needed_is_shipped(site):
    files = [path for path in (site / "_static" / "mathjax").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert {path.suffix for path in files} == {".js", ".woff"}
