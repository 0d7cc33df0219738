from __future__ import annotations

import itertools

import pytest

from viewer.settings import assets_folder
from viewer.ui import icons, theme


@pytest.mark.parametrize("colors", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_stands_out_from_every_ground(colors):
    grounds = ("window", "surface", "raised", "field", "hover", "accent_soft", "warning_soft", "error_soft")
    inks = ("text", "muted", "accent_text")
    low = {
        (ink, ground): round(theme.contrast(getattr(colors, ink), getattr(colors, ground)), 2)
        for ink, ground in itertools.product(inks, grounds)
        if theme.contrast(getattr(colors, ink), getattr(colors, ground)) < 4.5
    }
    assert low == {}
    assert theme.contrast(colors.on_accent, colors.accent) >= 4.5
    assert theme.contrast(colors.warning, colors.surface) >= 4.5
    assert theme.contrast(colors.error, colors.surface) >= 4.5
    assert theme.contrast(colors.outline, colors.surface) >= 3.0


def test_contrast_is_that_of_wcag():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_style_sheet_has_no_unknown_color(name):
    assert "@" not in theme.style_sheet(name)


def test_every_icon_draws_something(qapp):
    for path in (assets_folder() / "icons").glob("*.svg"):
        image = icons.pixmap(path.stem, "#102030", 24).toImage()
        inked = sum(image.pixelColor(x, y).alpha() > 128 for x in range(24) for y in range(24))
        assert inked > 8, path.stem
