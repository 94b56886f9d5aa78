"""What a learner reads after grading, and what nobody may read there."""

import re
import shutil

import pytest
from bs4 import BeautifulSoup
from tiny_course import NAME, RIGHT, SLUG, add_learner, answered

from classroom.course import ClassroomError
from classroom.feedback import feedback

pytestmark = pytest.mark.course
HIDDEN = ["add(-41", "-21", "scale([], 77)", "nothing stays nothing == []", "HIDDEN TESTS"]


@pytest.fixture(scope="module")
def pages(course, graded_class, tmp_path_factory):
    """{learner: page}, and the index under its name."""
    folder = shutil.copytree(graded_class[0], tmp_path_factory.mktemp("read") / "class")
    (folder / "autograded" / "half" / SLUG / "evil.html").write_text("<script>")
    index = feedback(course, SLUG, folder)
    found = {path.parent.parent.name: path.read_text() for path in index.parent.glob(f"*/{SLUG}/{NAME}.html")}
    assert not list(folder.rglob("feedback/**/evil.html"))
    return {**found, "index": index.read_text()}


def test_every_learner_has_a_page_with_the_marks(pages, graded_class):
    _, results = graded_class
    assert pages.keys() == {*results, "index"}
    for name, result in results.items():
        assert f"{result['total']:g} of\n10 points" in pages[name], name
        assert f'<a href="{name}/{SLUG}/{NAME}.html">' in pages["index"]


def test_messages_and_reasons_are_shown(pages):
    assert "NotImplementedError: write your code here" in pages["half"]
    assert "the Python process died in cell 6" in pages["killed"]
    assert "is not JSON" in pages["junk"]
    assert "stopped after 2 s: scale" in pages["loops"]
    assert "careful &lt;b&gt;" in pages["noisy"]
    assert "$a &lt; b$, <code>x &lt; y</code>" in pages["perfect"]


def test_hidden_tests_are_not_shown(pages):
    for name, page in pages.items():
        text = re.sub(r"<[^>]*>", "", page)
        for secret in HIDDEN:
            assert secret not in text, (name, secret)
    assert "# hidden test" in pages["perfect"]
    assert "not shown: this output quotes a hidden test" in pages["spy"]


def harm_in(page):
    """The tags and attributes of a page that could run or load something."""
    tags = BeautifulSoup(page, "html.parser").find_all(True)
    forbidden = {"script", "link", "iframe", "object", "embed", "svg", "math", "form", "base", "video", "audio"}
    found = [tag.name for tag in tags if tag.name in forbidden]
    for tag in tags:
        for name, value in tag.attrs.items():
            fetched = name in ("src", "srcset", "poster", "background", "style", "action") and tag.name != "meta"
            harmless = name == "src" and value.startswith("data:image/")
            if name.startswith("on") or (fetched and not harmless) or "javascript:" in str(value):
                found.append(f"{tag.name} {name}")
    return found + re.findall(r"url\(|@import", page)


def test_pages_run_nothing_load_nothing_and_fit_a_phone(pages):
    for name, page in pages.items():
        assert harm_in(page) == [], name
        assert "default-src 'none'" in page
        assert 'name="viewport"' in page


def test_markup_in_a_notebook_is_made_harmless(course, released, tmp_path):
    from classroom.grade import Limits, grade

    evil = (
        "<script>alert(1)</script> <img src=x onerror=alert(1)> <img src='https://e.org/x.png'>\n\n"
        "[a](javascript:alert(1)) ![b](http://e.org/y.png) [c](https://e.org)\n\n> quoted\n\n<iframe src='//e.org'>"
    )
    content = answered(released, {**RIGHT, "card": evil})
    content["cells"][1]["source"] = (
        "import os\nfrom IPython.display import HTML, SVG, Javascript, Image, display\n"
        "display(HTML('<b>bold</b><script>alert(1)</script><p onclick=alert(1)>'), Javascript('alert(1)'),"
        'SVG(\'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>\'))'
    )
    add_learner(tmp_path / "class", "mallory", content, 10)
    grade(course, SLUG, tmp_path / "class", Limits())
    feedback(course, SLUG, tmp_path / "class")
    page = (tmp_path / "class" / "feedback" / "mallory" / SLUG / f"{NAME}.html").read_text()
    body = page[page.index("<body>") :]
    assert harm_in(page) == []
    assert "<b>bold</b>" in body
    assert "<blockquote>" in body
    assert 'href="https://e.org"' in body


def test_before_grading_there_is_nothing_to_tell(course, tmp_path):
    with pytest.raises(ClassroomError, match="run `classroom grade` first"):
        feedback(course, SLUG, tmp_path)
