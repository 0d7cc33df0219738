"""Colours: palettes that colour-blind people can read, and the calm colours of city surfaces. Pure NumPy."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.kinds import SurfaceType, Theme

#: METHODS section 13: neighbouring classes stay apart for all common kinds of colour blindness.
PALETTES: dict[str, tuple[str, ...]] = {
    "cividis": ("#00224e", "#434e6c", "#7d7c78", "#bcae6c", "#fee838"),
    "batlow": ("#011959", "#226061", "#828231", "#f29d6d", "#faccfa"),
    "PuOr": ("#b25706", "#fcb761", "#f6f6f7", "#b1aad1", "#532687"),
    "vik": ("#02397a", "#5496b7", "#ece5e0", "#cc875f", "#852206"),
    "okabe-ito": ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"),
    "check": ("#0072B2", "#F0E442", "#D55E00"),
    "planzv": (
        "#cf9377", "#d5a744", "#a6a596", "#fe7f26", "#7fc643", "#99d9e8", "#ffd92f", "#34ab8f", "#cce968", "#e94ea5",
    ),
}  # fmt: skip
#: Palettes whose colours stand for classes; the others are ramps.
CATEGORICAL = frozenset({"okabe-ito", "check", "planzv"})
NO_DATA = "#b9bcbf"
_HEX = re.compile("#?[0-9a-fA-F]{6}")


def rgb(color: str) -> NDArray[np.float64]:
    """(3,) 0..1 of ``#rrggbb``; grey for anything else."""
    text = (color if _HEX.fullmatch(color) else NO_DATA)[-6:]
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255.0


def hex_colors(palette: str, count: int) -> tuple[str, ...]:
    """``count`` colours of a palette as ``#rrggbb``: classes in order (repeating), ramps evenly spaced."""
    stops = PALETTES.get(palette, PALETTES["cividis"])
    if palette in CATEGORICAL:
        return tuple(stops[i % len(stops)] for i in range(count))
    values = ramp(palette, np.linspace(0, 1, max(count, 1)))
    return tuple("#{:02x}{:02x}{:02x}".format(*np.round(v * 255).astype(int)) for v in values)


def ramp(palette: str, share: ArrayLike) -> NDArray[np.float64]:
    """(n, 3) 0..1, colours at shares 0..1 along a ramp."""
    stops = np.array([rgb(c) for c in PALETTES.get(palette, PALETTES["cividis"])])
    at = np.clip(np.asarray(share, np.float64), 0, 1) * (len(stops) - 1)
    return np.stack([np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)], axis=-1)


def map_values(values: ArrayLike, palette: str, low: float, high: float) -> NDArray[np.uint8]:
    """(n, 3) uint8 colours of numbers; classes 0, 1, 2 ... for categorical palettes. NaN is grey."""
    numbers = np.asarray(values, np.float64)
    known = np.isfinite(numbers)
    safe = np.where(known, numbers, low)
    if palette in CATEGORICAL:
        stops = np.array([rgb(c) for c in PALETTES[palette]])
        colors = stops[np.maximum(safe, 0).astype(np.int64) % len(stops)]
    else:
        colors = ramp(palette, (safe - low) / max(high - low, 1e-12))
    colors = np.where(known[..., None], colors, rgb(NO_DATA))
    return np.asarray(np.round(colors * 255), dtype=np.uint8)


def legend_entries(palette: str, low: float, high: float, classes: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """(colour, text) rows of a legend: the classes, or five values along the ramp."""
    if classes:
        return tuple(zip(hex_colors(palette, len(classes)), classes, strict=True))
    values = np.linspace(low, high, 5)
    digits = 0 if high - low >= 10 else 1 if high - low >= 1 else 2
    years = low >= 1000 and high <= 2200  # numbers in this range are years far more often than counts
    grouping = "" if years else ","
    return tuple((c, f"{v:{grouping}.{digits}f}") for c, v in zip(hex_colors(palette, 5), values, strict=True))


@dataclass(frozen=True)
class Look:
    """Colours of everything for one theme."""

    sky_top: str
    horizon: str
    ground: str
    roof: str
    flat_roof: str
    wall: str
    edge: str
    window: str
    select: str
    hover: str
    green: str
    themes: dict[Theme, str]
    haze: float


LIGHT = Look(
    sky_top="#8fb7dd", horizon="#eef3f7", ground="#e7e7e1", roof="#b5695f", flat_roof="#cfc9c0", wall="#f4f1ea",
    edge="#857d75", window="#8ea7ba", select="#1769d2", hover="#7fb2ee", green="#9dbb7d",
    themes={
        Theme.BUILDING: "#e8e3da", Theme.BRIDGE: "#d3cabd", Theme.TUNNEL: "#bdb5aa", Theme.ROAD: "#c9c9ca",
        Theme.RAILWAY: "#aaa49e", Theme.SQUARE: "#ddd3c1", Theme.WATER: "#8dbbd8", Theme.VEGETATION: "#b3cc98",
        Theme.TREE: "#94b578", Theme.LAND_USE: "#ddd8cc", Theme.TERRAIN: "#cfd6c0", Theme.FURNITURE: "#8d8b88",
        Theme.GENERIC: "#cbc6cf",
    },
    haze=1.0,
)  # fmt: skip
DARK = Look(
    sky_top="#10182a", horizon="#33415a", ground="#2b3440", roof="#a65f58", flat_roof="#77808b", wall="#aab2bd",
    edge="#4b5563", window="#e8cf8c", select="#4c9bff", hover="#9cc6ff", green="#5f8c52",
    themes={
        Theme.BUILDING: "#9aa3af", Theme.BRIDGE: "#7e8792", Theme.TUNNEL: "#6a727d", Theme.ROAD: "#49525e",
        Theme.RAILWAY: "#565b63", Theme.SQUARE: "#5d5f62", Theme.WATER: "#27506f", Theme.VEGETATION: "#3c5740",
        Theme.TREE: "#4d7049", Theme.LAND_USE: "#444c55", Theme.TERRAIN: "#394540", Theme.FURNITURE: "#858c94",
        Theme.GENERIC: "#6b6672",
    },
    haze=1.0,
)  # fmt: skip


def look(theme: str) -> Look:
    """The colours of a theme."""
    return DARK if theme == "dark" else LIGHT


def surface_color(style: Look, surface: int) -> str:
    """Colour of a building's semantic surface, "" where the object's own colour is to be used."""
    return {
        SurfaceType.ROOF: style.roof,
        SurfaceType.WALL: style.wall,
        SurfaceType.WINDOW: style.window,
        SurfaceType.DOOR: style.window,
        SurfaceType.WATER: style.themes[Theme.WATER],
    }.get(SurfaceType(surface), "")
