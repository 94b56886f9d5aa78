"""The house style: drawn the same on every build, readable on any background."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt

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
