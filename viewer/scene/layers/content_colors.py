"""Colours of what a streamed layer shows: its makers' own, one colour, or by an attribute. Pure NumPy.

The scale comes from the layer's sample of features, so that all tiles and the legend agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import Content, PointContent
from viewer.scene.layer_colors import number_range, row_colors
from viewer.scene.palettes import CATEGORICAL, NO_DATA, PALETTES, Look, map_values, rgb
from viewer.scene.state import LayerView

Colors = NDArray[np.uint8]
#: Colour of what its makers gave none.
_PLAIN = "#d8d4cb"


@dataclass(frozen=True, eq=False)
class ColorScale:
    """How one view of a layer colours features; the same for all its tiles.

    column : "" for the makers' own colours. names, table : texts and their colours, ascending.
    """

    column: str = ""
    single: tuple[int, int, int] | None = None
    palette: str = "cividis"
    low: float = 0.0
    high: float = 1.0
    names: NDArray[np.generic] | None = None
    table: Colors | None = None

    @staticmethod
    def of(view: LayerView, style: Look) -> ColorScale:
        """The scale of a view of a streamed layer."""
        values = view.layer.attributes.get(view.column) if view.column else None
        if values is None:
            if not view.color:
                return ColorScale()
            red, green, blue = np.round(rgb(view.color) * 255).astype(int).tolist()
            return ColorScale(single=(red, green, blue))
        if values.dtype.kind in "fiub":
            palette = view.palette if view.palette in PALETTES and view.palette not in CATEGORICAL else "cividis"
            low, high = number_range(np.asarray(values, np.float64))
            return ColorScale(view.column, palette=palette, low=low, high=high)
        names, first = np.unique(values, return_index=True)
        return ColorScale(view.column, names=names, table=row_colors(view, style).rgb[first])

    def of_features(self, values: NDArray[np.generic]) -> Colors:
        """(n, 3) uint8 colours of values of the column."""
        if values.dtype.kind in "fiub" and self.names is None:
            return map_values(np.asarray(values, np.float64), self.palette, self.low, self.high)
        none = np.round(rgb(NO_DATA) * 255).astype(np.uint8)
        if self.names is None or self.table is None or not len(self.names):
            return np.tile(none, (len(values), 1))
        texts = values.astype(np.dtypes.StringDType())
        place = np.minimum(np.searchsorted(self.names, texts), len(self.names) - 1)
        return np.where((self.names[place] == texts)[:, None], self.table[place], none).astype(np.uint8)

    def of_content(self, content: Content) -> Colors:
        """(V, 4) uint8 colours of the corners or points of a content."""
        count = len(content.positions)
        if self.column:
            values = content.attributes.get(self.column)
            colors = np.empty((count, 4), np.uint8)
            colors[:, :3] = np.round(rgb(NO_DATA) * 255).astype(np.uint8)
            colors[:, 3] = 255
            if values is not None and len(values):
                by_feature = self.of_features(values)
                if content.feature is None:
                    if isinstance(content, PointContent):
                        colors[:, :3] = by_feature
                else:
                    known = content.feature >= 0
                    colors[known, :3] = by_feature[content.feature[known]]
            return colors
        if self.single is not None or content.rgba is None:
            colors = np.full((count, 4), 255, np.uint8)
            colors[:, :3] = self.single or np.round(rgb(_PLAIN) * 255).astype(np.uint8)
            return colors
        return content.rgba
