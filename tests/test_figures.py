"""The house style: drawn the same on every build, readable on any background."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyArrowPatch

from seq2bert import figures


def svg(figure):
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    plt.close(figure)
    return out.getvalue()


def test_two_drawings_are_the_same_bytes():
    with mpl.rc_context():
        figures.use_style()
        drawings = [svg(figures.encoder_decoder("xo", ["AA", "K", "S"])) for _ in range(2)]
    assert drawings[0] == drawings[1]


def test_encoder_decoder_shows_every_token():
    with mpl.rc_context():
        figures.use_style()
        figure = figures.encoder_decoder("xo", ["AA", "K", "S"])
        texts = [text.get_text() for text in figure.axes[0].texts]
        plt.close(figure)
    for token in ("x", "o", "AA", "K", "S", "<bos>", "<eos>", "context"):
        assert token in texts


def test_a_band_is_the_mean_and_its_spread():
    figure, axes = plt.subplots()
    figures.band(axes, [1, 2], {"mean": [0.5, 0.25], "std": [0.1, 0.1]}, "a", figures.ACCENT, scale=100)
    assert axes.lines[0].get_ydata().tolist() == [50.0, 25.0]
    assert len(axes.collections) == 1
    plt.close(figure)


def test_a_chain_shows_what_is_read_and_what_is_guessed():
    with mpl.rc_context():
        figures.use_style()
        figure = figures.recurrent_chain(["the", "bank"], ["bank", "of"])
        texts = [text.get_text() for text in figure.axes[0].texts]
        plt.close(figure)
    assert texts == ["the", "bank", "bank", "of", "$h_1$"]


def test_two_ways_shows_a_chain_and_an_arc_to_everyone():
    with mpl.rc_context():
        figures.use_style()
        figure = figures.two_ways(["he", "is", "it"])
        arrows = [sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) for axes in figure.axes]
        texts = [text.get_text() for text in figure.axes[1].texts]
        plt.close(figure)
    assert arrows == [2, 2]
    assert texts == ["he", "is", "it"]


def test_shaded_text_joins_pieces_escapes_them_and_colours_by_size():
    shown = figures.shaded_text(["a", "<b>", "##c", "."], [0.0, 6.0, 24.0, 12.0])
    assert re.sub("<[^>]*>", "", shown) == "a &lt;b&gt;c."
    assert re.findall(r"rgba\(221, 101, 38, ([0-9.]+)\)", shown) == ["0.00", "0.38", "0.75", "0.75"]
    assert 'title="6.0"' in shown


LOOKS = (["K", "<eos>"], ["c", "a"], [[0.75, 0.25], [0.1, 0.9]])
SCRIPT = Path(__file__).parents[1] / "book" / "_static" / "looks.js"


def test_looks_is_a_table_where_there_is_no_script():
    shown = figures.looks(*LOOKS)
    assert "&lt;eos&gt;" in shown
    assert re.findall(r"<td>([0-9.]+)</td>", shown) == ["0.75", "0.25", "0.10", "0.90"]
    assert '<table class="dataframe">' in shown  # which the theme leaves on the page's own ground
    with pytest.raises(ValueError, match="weights must be 2 rows of 2"):
        figures.looks(*LOOKS[:2], [[1.0, 0.0]])


def test_looks_answers_the_pointer_the_finger_and_the_keys(browser):
    page = browser.new_page(has_touch=True)
    page.set_content(f"<html><body>{figures.looks(*LOOKS)}<script>{SCRIPT.read_text()}</script></body></html>")
    page.evaluate("document.querySelectorAll('.looks').forEach(prepare)")

    def state():
        said = page.locator(".looks-said").inner_text()
        return said, [
            span.evaluate("e => e.style.getPropertyValue('--weight')") for span in page.locator(".looks-at span").all()
        ]

    first, second = "K looks at c (75 %), a (25 %)", "<eos> looks at a (90 %), c (10 %)"
    assert state() == (first, ["0.750", "0.250"])
    buttons = page.locator(".looks-askers button")
    buttons.nth(1).hover()
    assert state() == (second, ["0.100", "0.900"])
    buttons.nth(0).tap()
    assert state()[0] == first
    buttons.nth(0).focus()
    page.keyboard.press("ArrowRight")
    assert state()[0] == second
    page.keyboard.press("ArrowRight")
    assert state()[0] == second
    page.keyboard.press("Home")
    assert state()[0] == first
    assert page.locator("[aria-pressed=true]").all_inner_texts() == ["K"]
    page.close()
