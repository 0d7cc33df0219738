"""Colours: ramps that can be read in grey, classes that stay apart, honest numbers in legends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from viewer.city.kinds import SurfaceType, Theme
from viewer.scene import palettes
from viewer.scene.palettes import CATEGORICAL, DARK, LIGHT, NO_DATA, PALETTES, hex_colors, look, map_values, ramp, rgb

RAMPS = sorted(set(PALETTES) - CATEGORICAL)
SEQUENTIAL, DIVERGING = ("cividis", "batlow"), ("PuOr", "vik")


def linear(color):
    c = np.asarray(color, float)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(color):
    """Relative luminance (WCAG) of sRGB colours (..., 3)."""
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    high, low = sorted((float(luminance(rgb(one))), float(luminance(rgb(other)))), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(color, deficiency=None):
    """CIELAB of an sRGB colour as a person without one kind of cone sees it (Viénot, Brettel and Mollon 1999)."""
    c = linear(color)
    if deficiency:
        c = np.clip(BLIND[deficiency] @ c, 0, 1)
    x = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ c
    t = x / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


BLIND = {
    "protanopia": np.array([[0.1124, 0.8876, 0.0], [0.1124, 0.8876, 0.0], [0.004, -0.004, 1.0]]),
    "deuteranopia": np.array([[0.2928, 0.7072, 0.0], [0.2928, 0.7072, 0.0], [-0.0223, 0.0223, 1.0]]),
}
VIEWS = (None, *BLIND)


def least_distance(pairs):
    return min(np.linalg.norm(lab(rgb(a), v) - lab(rgb(b), v)) for a, b in pairs for v in VIEWS)


@pytest.mark.parametrize("name", RAMPS)
def test_neighbours_on_a_ramp_stay_apart_for_the_colour_blind(name):
    assert least_distance(itertools.pairwise(PALETTES[name])) > 10


@pytest.mark.parametrize("name", ["okabe-ito", "check"])
def test_every_two_classes_stay_apart_for_the_colour_blind(name):
    assert least_distance(itertools.combinations(PALETTES[name], 2)) > 10


def test_the_measure_rejects_a_red_and_green_traffic_light():
    assert least_distance([("#d73027", "#1a9850")]) < least_distance([("#D55E00", "#0072B2")]) / 2


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_sequential_ramps_grow_brighter_all_the_way(name):
    assert (np.diff(luminance(ramp(name, np.linspace(0, 1, 101)))) > 0).all()


@pytest.mark.parametrize("name", DIVERGING)
def test_diverging_ramps_are_brightest_in_the_middle_and_fall_to_both_ends(name):
    light = luminance(ramp(name, np.linspace(0, 1, 101)))
    assert (np.diff(light[:51]) > 0).all() and (np.diff(light[50:]) < 0).all()


@pytest.mark.parametrize("name", sorted(PALETTES))
def test_stops_come_back_as_written(name):
    stops = PALETTES[name]
    assert [c.lower() for c in hex_colors(name, len(stops))] == [c.lower() for c in stops]


def test_hex_colours_survive_the_way_to_numbers_and_back():
    values = np.stack([rgb("#000000"), rgb("#ffffff"), rgb("#0072B2"), rgb("1a2b3c")])
    assert ["#{:02x}{:02x}{:02x}".format(*np.round(v * 255).astype(int)) for v in values] == [
        "#000000", "#ffffff", "#0072b2", "#1a2b3c",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "#", "red", "#12", "#zzzzzz", "#12345"])
def test_what_is_no_colour_is_grey(text):
    assert rgb(text) == pytest.approx(rgb(NO_DATA))


@pytest.mark.parametrize("name", sorted(PALETTES))
def test_unknown_values_are_grey_in_every_palette(name):
    colors = map_values([np.nan, np.inf, -np.inf, 0.0], name, 0.0, 1.0)
    grey = np.round(rgb(NO_DATA) * 255)
    assert (colors[:3] == grey).all()
    assert (colors[3] == np.round(rgb(PALETTES[name][0]) * 255)).all()


def test_values_outside_the_range_take_the_end_colours():
    colors = map_values([-50.0, 0.0, 10.0, 999.0], "cividis", 0.0, 10.0)
    assert (colors[0] == colors[1]).all() and (colors[2] == colors[3]).all()
    assert (colors[1] != colors[2]).any()


def test_a_range_without_width_maps_without_fault():
    assert map_values([3.0, 3.0], "cividis", 3.0, 3.0).shape == (2, 3)


@pytest.mark.parametrize("name", sorted(CATEGORICAL))
def test_classes_repeat_when_there_are_more_than_colours(name):
    count = len(PALETTES[name])
    colors = map_values(np.arange(2 * count, dtype=float), name, 0.0, 1.0)
    assert (colors[:count] == colors[count:]).all()
    assert hex_colors(name, count + 1)[-1] == PALETTES[name][0]


def test_an_unknown_palette_is_drawn_with_the_default():
    assert hex_colors("no such palette", 5) == hex_colors("cividis", 5)


def test_legend_colours_are_those_on_the_map():
    rows = palettes.legend_entries("cividis", 0.0, 40.0)
    assert [text for _, text in rows] == ["0", "10", "20", "30", "40"]
    drawn = map_values([0.0, 10.0, 20.0, 30.0, 40.0], "cividis", 0.0, 40.0)
    assert [tuple(np.round(rgb(c) * 255)) for c, _ in rows] == [tuple(d) for d in drawn]


def test_legend_names_classes():
    assert palettes.legend_entries("check", 0, 1, ("ok", "watch")) == (("#0072B2", "ok"), ("#F0E442", "watch"))


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
def test_a_theme_colours_everything_and_the_selection_stands_out(style):
    assert set(style.themes) == set(Theme)
    written = [getattr(style, f) for f in ("sky_top", "horizon", "ground", "roof", "wall", "edge", "select", "hover")]
    assert all(len(c) == 7 and c.startswith("#") for c in [*written, *style.themes.values()])
    for body in (style.roof, style.wall, style.flat_roof, style.ground):
        for view in VIEWS:
            assert np.linalg.norm(lab(rgb(style.select), view) - lab(rgb(body), view)) > 15


def test_themes_are_found_by_name():
    assert look("dark") is DARK and look("light") is LIGHT


@pytest.mark.parametrize("surface", list(SurfaceType))
def test_every_kind_of_surface_has_a_colour_or_leaves_it_to_the_theme(surface):
    color = palettes.surface_color(LIGHT, int(surface))
    assert color == "" or len(color) == 7
    assert (surface not in (SurfaceType.ROOF, SurfaceType.WALL)) or color
