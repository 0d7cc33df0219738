"""Furniture of pictures: it is there, tells the truth, can be read, and never leaves the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.scene import annotate as module
from viewer.scene.annotate import annotate, length_text, load_font, round_length, shorten, wrap
from viewer.scene.palettes import rgb

LEGEND = (("#00224e", "0 storeys"), ("#7d7c78", "4"), ("#fee838", "8 and more"))
FULL = {
    "legend": LEGEND, "legend_title": "Storeys", "title": "Variant B", "credits": "Buildings: a licence",
}  # fmt: skip


def grey(height=400, width=640, value=128):
    return np.full((height, width, 3), value, np.uint8)


def drawn(height=400, width=640, **parts):
    parts = {"metres_per_pixel": 0.5, "heading_deg": 0.0, **parts}
    return annotate(grey(height, width), **parts)


def changed(picture, value=128):
    """Where a picture differs visibly from plain grey."""
    return np.abs(picture.astype(int) - value).max(axis=2) > 12


def test_the_picture_given_stays_as_it_is():
    picture = grey()
    before = picture.copy()
    result = annotate(picture, metres_per_pixel=0.5, heading_deg=30.0, **FULL)
    assert (picture == before).all()
    assert result.shape == picture.shape and result.dtype == np.uint8 and (result != before).any()
    result[0, 0] = 0  # the caller's own


def test_without_anything_to_tell_nothing_is_drawn():
    assert (annotate(grey(), metres_per_pixel=None, heading_deg=float("nan")) == 128).all()


@pytest.mark.parametrize(
    ("longest", "length"), [(1.0, 1.0), (1.99, 1.0), (2.0, 2.0), (99, 50), (100, 100), (4999, 2000), (0.3, 0.2)]
)
def test_lengths_are_round(longest, length):
    assert round_length(longest) == pytest.approx(length)


@given(st.floats(1e-3, 1e6))
def test_a_round_length_is_at_most_and_at_least_two_fifths_of_the_longest(longest):
    assert 0.4 * longest <= round_length(longest) <= longest * (1 + 1e-6)


@pytest.mark.parametrize(
    ("metres", "text"), [(100.0, "100 m"), (2000.0, "2 km"), (500000.0, "500 km"), (0.5, "50 cm"), (1.0, "1 m")]
)
def test_lengths_are_named_in_plain_units(metres, text):
    assert length_text(metres) == text


@pytest.mark.parametrize("metres_per_pixel", [0.013, 0.5, 1.0, 7.3, 240.0])
def test_the_scale_bar_is_as_long_as_it_says(metres_per_pixel, monkeypatch):
    labels = []
    former = module._Sheet.text
    monkeypatch.setattr(
        module._Sheet, "text", lambda self, x, y, text, *rest: labels.append(text) or former(self, x, y, text, *rest)
    )
    picture = drawn(800, 1280, metres_per_pixel=metres_per_pixel, heading_deg=float("nan"))
    number, unit = labels[0].split()
    metres = float(number) * {"km": 1000.0, "m": 1.0, "cm": 0.01}[unit]
    dark = picture.max(axis=2) < 80
    rows = dark.sum(axis=1)
    run = np.flatnonzero(dark[int(np.argmax(rows))])
    assert run[-1] - run[0] + 1 == pytest.approx(metres / metres_per_pixel, abs=2.0)


@pytest.mark.parametrize("none", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_where_no_scale_is_honest_there_is_no_bar(none):
    with_bar, without = drawn(), drawn(metres_per_pixel=none)
    assert changed(without).any(axis=0).nonzero()[0].max() < changed(with_bar).any(axis=0).nonzero()[0].max()


@pytest.mark.parametrize(("heading", "across", "along"), [(0, 0, -1), (90, -1, 0), (180, 0, 1), (270, 1, 0)])
def test_the_arrow_points_to_north(heading, across, along, monkeypatch):
    spots = []
    monkeypatch.setattr(
        module._Sheet, "text", lambda self, x, y, text, *rest, **more: spots.append((x, y)) if text == "N" else None
    )
    centres = []
    former = module._Sheet.north
    monkeypatch.setattr(
        module._Sheet, "north", lambda self, x, y, *rest: centres.append((x, y)) or former(self, x, y, *rest)
    )
    drawn(heading_deg=float(heading))
    towards = np.subtract(spots[0], centres[0])
    assert towards / np.linalg.norm(towards) == pytest.approx((across, along), abs=1e-6)


def test_legend_colours_are_drawn_as_given():
    picture = drawn(legend=LEGEND)
    for color, _ in LEGEND:
        same = np.abs(picture.astype(int) - np.round(rgb(color) * 255).astype(int)).max(axis=2) <= 1
        assert same.sum() >= 20


def test_a_long_legend_says_how_many_rows_are_missing(monkeypatch):
    texts = []
    former = module._Sheet.text
    monkeypatch.setattr(
        module._Sheet,
        "text",
        lambda self, x, y, text, *rest, **more: texts.append(text) or former(self, x, y, text, *rest, **more),
    )
    drawn(legend=tuple(("#336699", f"class {i}") for i in range(100)))
    shown = [t for t in texts if t.startswith("class")]
    assert 3 <= len(shown) <= module.MAX_LEGEND_ROWS
    assert f"+ {100 - len(shown)}" in texts


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("below", [0, 255])
def test_text_can_be_read_whatever_lies_below(theme, below):
    style = module._STYLES[theme]
    share = style.card[3] / 255
    card = np.array(style.card[:3]) * share + below * (1 - share)

    def luminance(color):
        c = np.asarray(color, float)[:3] / 255
        c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(c @ [0.2126, 0.7152, 0.0722])

    for color, least in ((style.text, 7.0), (style.soft, 4.5), (style.accent, 3.0)):
        high, low = sorted((luminance(color), luminance(card)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= least


def test_sizes_grow_with_the_picture():
    small, large = changed(drawn(400, 640, **FULL)), changed(drawn(1600, 2560, **FULL))
    assert large.mean() == pytest.approx(small.mean(), rel=0.35)


def test_the_middle_of_the_picture_stays_free():
    picture = drawn(400, 640, **FULL)
    assert (picture[140:220, 240:360] == 128).all()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 500), width=st.integers(1, 700), title=st.text(max_size=200), credit=st.text(max_size=300),
    rows=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=80)), max_size=30),
    heading=st.floats(allow_nan=True, allow_infinity=True),
    scale=st.none() | st.floats(allow_nan=True, allow_infinity=True), theme=st.sampled_from(["light", "dark", "?"]),
)  # fmt: skip
def test_any_text_and_size_gives_a_picture_of_the_same_size(height, width, title, credit, rows, heading, scale, theme):
    result = annotate(
        grey(height, width), metres_per_pixel=scale, heading_deg=heading, legend=tuple(rows), legend_title=title,
        title=title, credits=credit, theme=theme,
    )  # fmt: skip
    assert result.shape == (height, width, 3) and result.dtype == np.uint8


@pytest.mark.parametrize("size", [(400, 640), (300, 200), (2160, 3840)])
def test_every_text_stays_inside_the_picture(size, monkeypatch):
    height, width = size
    boxes = []
    former = module.ImageDraw.ImageDraw.text

    def noted(self, xy, text, **more):
        boxes.append(self.textbbox(xy, text, font=more["font"], anchor=more["anchor"]))
        former(self, xy, text, **more)

    monkeypatch.setattr(module.ImageDraw.ImageDraw, "text", noted)
    long = "A very long description of what can be seen " * 8
    drawn(height, width, title=long, credits=long, legend_title=long, legend=((("#336699", long),) * 12))
    assert len(boxes) >= 4
    for left, top, right, bottom in boxes:
        assert left >= 0 and top >= 0 and right <= width and bottom <= height


@given(st.text(max_size=120).map(module._line), st.floats(0, 400))
def test_shortened_text_is_never_wider_than_asked(text, widest):
    font = load_font(14)
    assert font.getlength(shorten(text, font, widest)) <= max(widest, 0)


def test_shortened_text_ends_in_an_ellipsis_and_short_text_stays():
    font = load_font(14)
    assert shorten("Höfe", font, 500) == "Höfe"
    assert shorten("Höfe öffnen und entsiegeln", font, 90).endswith("…")


def test_wrapped_text_keeps_its_words_in_order_and_its_width():
    font = load_font(14)
    lines = wrap("one two three four five six seven", font, 90, 10)
    assert " ".join(lines) == "one two three four five six seven" and len(lines) > 1
    assert all(font.getlength(line) <= 90 for line in lines)
    assert len(wrap("one two three four five six seven", font, 90, 2)) == 2


def test_a_font_is_found_without_matplotlib(monkeypatch):
    load_font.cache_clear()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    try:
        assert load_font(20).getlength("Grundfläche") > 0
    finally:
        load_font.cache_clear()
