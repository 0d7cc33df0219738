"""Layers: datasets drawn over a city. Positions are local (see ``Frame``); z may be NaN for "on the ground"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city.report import Issue

#: Attribute columns of a layer: name -> (N,) float64 (NaN missing) or StringDType ("" missing).
Attributes = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Layer:
    """Common part of all layers. ``attribution`` is shown in every picture that shows the layer."""

    name: str
    attributes: Attributes = field(default_factory=dict, kw_only=True)
    attribution: str = field(default="", kw_only=True)
    #: Column that colours the layer at first, "" for none.
    style_column: str = field(default="", kw_only=True)
    #: Colours (``#rrggbb``) that texts of a column have by convention; other texts are coloured as usual.
    class_colors: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    #: How current it is, where that matters: shown with the layer.
    note: Issue | None = field(default=None, kw_only=True)
    #: Seconds after which its source has something new; 0 for data that stays.
    refresh_s: float = field(default=0.0, kw_only=True)

    def __len__(self) -> int:
        return 0

    def row_values(self, row: int) -> dict[str, object]:
        """The attributes of one row, as a click on it names them."""
        return {name: values[row] for name, values in self.attributes.items()}


@dataclass(frozen=True, eq=False)
class History:
    """Earlier values of the N rows of a layer, oldest first within a row.

    start : (N + 1,) int64 into the others. time_s : (M,) float64 seconds since 1970, UTC. values : (M,) float64.
    unit : of all values, "" for none.
    """

    start: NDArray[np.int64]
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str = ""

    def of_row(self, row: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times and values of one row."""
        part = slice(int(self.start[row]), int(self.start[row + 1]))
        return self.time_s[part], self.values[part]

    def of_rows(self, keep: NDArray[np.bool_]) -> History:
        """The history of some rows; keep is (N,) bool."""
        sizes = np.diff(self.start)
        inside = np.repeat(keep, sizes)
        start = np.concatenate([[0], np.cumsum(sizes[keep])]).astype(np.int64)
        return History(start, self.time_s[inside], self.values[inside], self.unit)


@dataclass(frozen=True, eq=False)
class PointLayer(Layer):
    """Points with values, drawn as coloured, scaled symbols with labels.

    positions_local : (N, 3) float64 metres; z NaN = on the ground.
    size_column, label_column : columns that scale and label the symbols, "" for none.
    history : earlier values of each point, drawn as a chart when it is clicked.
    """

    positions_local: NDArray[np.float64]
    size_column: str = field(default="", kw_only=True)
    label_column: str = field(default="", kw_only=True)
    history: History | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.positions_local)


@dataclass(frozen=True, eq=False)
class TreeLayer(Layer):
    """Trees, drawn as instanced 3D trees.

    positions_local : (N, 3) float64 metres, foot of the trunk; z NaN = on the ground.
    height_m, crown_m : (N,) float32, tree height and crown diameter, metres, finite and positive.
    conifer : (N,) bool, needle trees get another shape.
    """

    positions_local: NDArray[np.float64]
    height_m: NDArray[np.float32]
    crown_m: NDArray[np.float32]
    conifer: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions_local)


@dataclass(frozen=True, eq=False)
class LineLayer(Layer):
    """Lines draped on the ground.

    positions_local : (V, 2) float64 metres; line_start : (N + 1,) int32 into them.
    """

    positions_local: NDArray[np.float64]
    line_start: NDArray[np.int32]
    width_m: float = field(default=2.0, kw_only=True)

    def __len__(self) -> int:
        return len(self.line_start) - 1


@dataclass(frozen=True, eq=False)
class AreaLayer(Layer):
    """Polygons with holes draped on the ground. One feature may own several polygons.

    positions_local : (V, 2) float64 metres, rings without closing vertex.
    ring_start : (R + 1,) int32 into the positions. polygon_ring_start : (P + 1,) int32 into the rings,
    first ring outer. polygon_feature : (P,) int32 row of each polygon in ``attributes``.
    feature_count : number of rows. label_column : column that is written into the areas, "" for none.
    """

    positions_local: NDArray[np.float64]
    ring_start: NDArray[np.int32]
    polygon_ring_start: NDArray[np.int32]
    polygon_feature: NDArray[np.int32]
    feature_count: int
    label_column: str = field(default="", kw_only=True)

    def __len__(self) -> int:
        return self.feature_count


@dataclass(frozen=True, eq=False)
class ImageLayer(Layer):
    """A picture draped on the ground.

    rgba : (H, W, 4) uint8, first row north. corners_local : (4, 2) float64 metres, the outer corners
    of the picture: north-west, north-east, south-east, south-west.
    """

    rgba: NDArray[np.uint8]
    corners_local: NDArray[np.float64]

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True, eq=False)
class TerrainLayer(Layer):
    """Heights of the ground on a regular grid; the topmost visible one is the ground of the city.

    heights : (ny, nx) float32 local z, metres, first row south, NaN where unknown. origin_local : (x, y) of
    node [0, 0]. cell_m : spacing of the nodes. vertical_crs : height system as the file names it, "" if it does
    not.
    """

    heights: NDArray[np.float32]
    origin_local: tuple[float, float]
    cell_m: float
    vertical_crs: str = field(default="", kw_only=True)

    def __len__(self) -> int:
        return 1

    @property
    def corners_local(self) -> NDArray[np.float64]:
        """(4, 2) float64 metres: north-west, north-east, south-east, south-west node."""
        rows, columns = self.heights.shape
        west, south = self.origin_local
        east, north = west + (columns - 1) * self.cell_m, south + (rows - 1) * self.cell_m
        return np.array([[west, north], [east, north], [east, south], [west, south]], dtype=np.float64)
