"""Colours of layers: one row of a dataset -> one colour, and the legend that says the same. Pure NumPy, no VTK."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city import AreaLayer, ImageLayer, LineLayer, PointLayer, TreeLayer
from viewer.city.kinds import Theme
from viewer.scene.palettes import CATEGORICAL, LIGHT, NO_DATA, PALETTES, Look, legend_entries, map_values, rgb
from viewer.scene.state import LayerView

Colors = NDArray[np.uint8]

#: Words in names of uses and layers, German and English, and the class of the "planzv" palette they stand for.
_USES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (5, ("wasser", "gewässer", "fluss", "teich", "water", "river", "lake", "pond")),
    (7, ("wald", "gehölz", "forest", "wood")),
    (8, ("landwirt", "acker", "wiese", "brache", "farm", "meadow", "agricult", "brownfield")),
    (4, ("grün", "park", "spiel", "sport", "friedhof", "garten", "green", "play", "cemetery", "garden", "recreation")),
    (
        6,
        ("verkehr", "straße", "strasse", "platz", "bahn", "weg", "traffic", "road", "street", "square", "rail", "path"),
    ),
    (1, ("misch", "urban", "kerngebiet", "mixed", "core")),
    (2, ("gewerb", "industrie", "commerc", "industr", "business")),
    (9, ("gemeinbedarf", "schule", "öffentlich", "kirche", "public", "school", "community", "church", "civic")),
    (3, ("sonder", "special", "handel", "retail")),
    (0, ("wohn", "resident", "housing", "dwelling")),
)
#: Classes a legend can hold and an eye can tell apart; the rest are "other".
_MOST_CLASSES = {"planzv": 10}
_CLASSES = 7
OTHER = "other"


@dataclass(frozen=True, eq=False)
class RowColors:
    """rgb : (N, 3) uint8, one colour per row. legend : (colour, text) rows, empty for a single colour."""

    rgb: Colors
    legend: tuple[tuple[str, str], ...] = ()


def layer_legend(view: LayerView) -> tuple[tuple[str, str], ...]:
    """(colour, text) rows of a layer's legend, exactly the colours it is drawn with; empty without a column."""
    if isinstance(view.layer, ImageLayer):
        return ()
    return row_colors(view, LIGHT).legend


def row_colors(view: LayerView, style: Look) -> RowColors:
    """Colours of the rows of a layer: by its column, else one colour."""
    values = view.layer.attributes.get(view.column) if view.column else None
    count = len(view.layer)
    if values is None or len(values) != count:
        one = np.round(rgb(single_color(view, style)) * 255).astype(np.uint8)
        return RowColors(np.broadcast_to(one, (count, 3)).copy())
    if values.dtype.kind in "fiub":
        return _by_number(np.asarray(values, np.float64), view)
    return _by_text(values, view)


def single_color(view: LayerView, style: Look) -> str:
    """``#rrggbb`` of a layer without a column: the chosen one or a calm one that fits its name and kind."""
    if view.color:
        return view.color
    layer = view.layer
    if isinstance(layer, TreeLayer):
        return style.themes[Theme.TREE]
    use = use_class(layer.name)
    if use == 5:
        return style.themes[Theme.WATER]
    if use in (4, 7, 8):
        return style.green
    if isinstance(layer, PointLayer):
        return "#d9643a"
    if isinstance(layer, LineLayer):
        return "#3f6fa8"
    return "#c9a96a" if isinstance(layer, AreaLayer) else NO_DATA


def use_class(text: str) -> int:
    """Class of the "planzv" palette the words of a use stand for; -1 if none."""
    low = text.lower()
    return next((number for number, words in _USES if any(word in low for word in words)), -1)


def number_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Lowest and highest value a ramp runs over. A few extremes do not flatten the rest: they share its ends."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    p2, p98 = (float(v) for v in np.percentile(known, (2, 98)))
    if p98 > p2 and high - low > 4 * (p98 - p2):
        low, high = p2, p98
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _by_number(values: NDArray[np.float64], view: LayerView) -> RowColors:
    palette = view.palette if view.palette in PALETTES and view.palette not in CATEGORICAL else "cividis"
    low, high = number_range(values)
    legend = legend_entries(palette, low, high)
    if not np.isfinite(values).all():
        legend = (*legend, (NO_DATA, "no data"))
    return RowColors(map_values(values, palette, low, high), legend)


def _by_text(values: NDArray[np.generic], view: LayerView) -> RowColors:
    """Frequent classes first; words for land uses get the colours planners know."""
    found, of, counts = np.unique(values, return_inverse=True, return_counts=True)
    names = np.array([str(name) for name in found], dtype=object)
    order = np.argsort(-counts, kind="stable")
    order = order[names[order] != ""]
    texts = [str(names[i]) for i in order]
    palette = view.palette if view.palette in CATEGORICAL else ""
    if not palette and any(text in view.layer.class_colors for text in texts):
        return _by_convention(view, names, of, order)
    uses = [use_class(t) for t in texts]
    known = sum(u >= 0 for u in uses)
    if palette == "planzv" or (
        not palette and texts and isinstance(view.layer, AreaLayer) and known >= 0.7 * len(texts)
    ):
        hexes = _use_colors(uses)
    else:
        stops = PALETTES[palette or "okabe-ito"]
        most = min(_MOST_CLASSES.get(palette, _CLASSES), len(stops))
        hexes = [stops[k] if k < most else "" for k in range(len(texts))]
    table = np.tile(rgb(NO_DATA), (len(names), 1))
    for position, color in zip(order.tolist(), hexes, strict=True):
        if color:
            table[position] = rgb(color)
    legend = tuple((c, t) for c, t in zip(hexes, texts, strict=True) if c)
    if "" in hexes:
        legend = (*legend, (NO_DATA, OTHER))
    if len(order) < len(names):
        legend = (*legend, (NO_DATA, "no data"))
    return RowColors(np.round(table * 255).astype(np.uint8)[of], legend)


def _by_convention(
    view: LayerView, names: NDArray[np.generic], of: NDArray[np.intp], order: NDArray[np.intp]
) -> RowColors:
    """Colours the layer itself gives its classes; texts without one are "other"."""
    colors = view.layer.class_colors
    table = np.array([rgb(colors.get(str(name), NO_DATA)) for name in names])
    legend = [(colors[str(names[i])], str(names[i])) for i in order if str(names[i]) in colors]
    if len(legend) < len(order):
        legend.append((NO_DATA, OTHER))
    if len(order) < len(names):
        legend.append((NO_DATA, "no data"))
    return RowColors(np.round(table * 255).astype(np.uint8)[of], tuple(legend))


def _use_colors(uses: list[int]) -> list[str]:
    """Colour of each use; further uses of one class are lighter, unknown ones "" (other)."""
    stops = PALETTES["planzv"]
    seen: dict[int, int] = {}
    result = []
    for use in uses:
        if use < 0:
            result.append("")
            continue
        again = seen.get(use, 0)
        seen[use] = again + 1
        color = rgb(stops[use])
        lighter = color + (1.0 - color) * min(0.3 * again, 0.75)
        result.append("#{:02x}{:02x}{:02x}".format(*np.round(lighter * 255).astype(int)))
    return result
