"""A prepared cloud as a layer: its tree of nodes, and the loading of one node."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.plugin_api import Holds, NodeTree, PointContent, ReadContext, ReadError, StreamedLayer, make_nodes

#: Classes of points by the numbers of the LAS specification, and colours people expect of them.
CLASSES = {
    0: ("never classified", "#a8adb3"), 1: ("unclassified", "#a8adb3"), 2: ("ground", "#b59a78"),
    3: ("low vegetation", "#b7d08e"), 4: ("medium vegetation", "#86b462"), 5: ("high vegetation", "#4c8a47"),
    6: ("building", "#c9624f"), 8: ("key point", "#d9b45b"), 9: ("water", "#5b9fd0"), 10: ("rail", "#6d5f8d"),
    11: ("road surface", "#7c7f86"), 13: ("wire, guard", "#d8a31f"), 14: ("wire, conductor", "#e0b93c"),
    15: ("transmission tower", "#8f6b2e"), 16: ("wire connector", "#c08f2a"), 17: ("bridge", "#9d7f6a"),
    19: ("overhead structure", "#b07fa0"), 20: ("ignored ground", "#9f8b73"), 21: ("snow", "#dfe9f2"),
    26: ("civil structure", "#b0856a"),
}  # fmt: skip
_NODE_BITS = 7
#: A picture is as wrong as so many distances between neighbours; so many pixels wide is a point.
_ERROR, _SIZE_PX = 5.0, 3.0
CLASS, HEIGHT, INTENSITY = "Class", "Height", "Intensity"


def open_cloud(name: str, folder: Path, facts: dict, crs: str, context: ReadContext) -> StreamedLayer:
    """The layer of a prepared cloud in the frame of the context."""
    place = _Placing(facts, crs, context)
    table = np.load(folder / "nodes.npz")
    low, high = place.boxes(table["low"], table["high"])
    parents = np.zeros(len(low), bool)
    parents[table["parent"][table["parent"] >= 0]] = True
    size = np.linalg.norm((np.array(facts["high"]) - facts["low"]) * facts["stretch"])
    scale = float(np.linalg.norm(high.max(axis=0) - low.min(axis=0)) / size) if size > 0 else 1.0
    cell = facts["side"] * scale / 2.0 ** (table["level"].astype(np.float64) + _NODE_BITS)
    tree = NodeTree(
        make_nodes(
            table["parent"],
            np.where(parents, _ERROR * cell, 0.0),
            low,
            high,
            True,
            np.where(table["count"] > 0, Holds.CONTENT, Holds.NOTHING),
        )
    )
    arrays = {n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in ("xyz", "class", "intensity")}
    own = (folder / "rgb.npy").is_file()
    if own:
        arrays["rgb"] = np.load(folder / "rgb.npy", mmap_mode="r")
    names = class_names()
    start, count = table["start"], table["count"]
    box_middle = (low + high) / 2

    def load(node: int) -> tuple[PointContent, ...]:
        part = slice(int(start[node]), int(start[node] + count[node]))
        points = place.local(np.asarray(arrays["xyz"][part]))
        origin = tuple(float(v) for v in box_middle[node])
        rgba = None
        if own:
            rgb = np.asarray(arrays["rgb"][part])
            rgba = np.column_stack([rgb, np.full(len(rgb), 255, np.uint8)])
        columns = {
            CLASS: names[np.asarray(arrays["class"][part])],
            HEIGHT: (points[:, 2] + place.base_m).astype(np.float32),
            INTENSITY: np.array(arrays["intensity"][part]),
        }
        positions = (points - origin).astype(np.float32)
        return (PointContent(positions, origin, rgba, None, columns, spacing_m=float(cell[node])),)

    sample = np.load(folder / "sample.npz")
    columns = {
        CLASS: names[sample["kind"]],
        HEIGHT: sample["z"] * place.unit_m,
        INTENSITY: sample["intensity"].astype(np.float64),
    }
    told = len(set(facts["classes"]) - {"0", "1"}) > 0
    return StreamedLayer(
        name,
        attributes=columns,
        class_colors=dict(CLASSES.values()),
        point_size_px=_SIZE_PX,
        style_column="" if own else CLASS if told else HEIGHT,
        tree=tree,
        load=load,
        facts=(("Points", str(facts["points"])), *((str(names[int(k)]), str(n)) for k, n in facts["classes"].items())),
    )


def class_names() -> np.ndarray:
    """(256,) StringDType names of the classes."""
    return np.array([CLASSES.get(k, (f"class {k}", ""))[0] for k in range(256)], np.dtypes.StringDType())


class _Placing:
    """Raw numbers of a cloud -> local metres. base_m : height of the local origin. unit_m : metres per height unit."""

    def __init__(self, facts: dict, crs: str, context: ReadContext) -> None:
        self._scales, self._offsets = np.array(facts["scales"]), np.array(facts["offsets"])
        self._crs, self._frame, self._transform = context.facts.get("crs", ""), context.frame, context.transform
        self.base_m = float(context.frame.origin_crs[2])
        vertical, self.unit_m = _heights(crs)
        if vertical:
            context.facts["vertical_crs"] = vertical
        if self.unit_m != 1.0:
            context.info(
                "The heights are not in metres; they were multiplied by {factor}.", factor=round(self.unit_m, 6)
            )

    def local(self, raw: np.ndarray) -> np.ndarray:
        """(n, 3) float64 of raw numbers (n, 3)."""
        points = raw * self._scales + self._offsets
        xy = points[:, :2]
        if self._crs and self._frame.crs and self._crs != self._frame.crs:
            xy = self._transform(xy, self._crs, self._frame.crs)
        xy = self._frame.local_from_crs(xy)
        return np.column_stack([xy, points[:, 2] * self.unit_m - self.base_m])

    def boxes(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Local boxes around boxes of raw numbers, each (n, 3)."""
        corners = [
            self.local(np.column_stack([x[:, 0], y[:, 1], z[:, 2]]))
            for x, y, z in ((low, low, low), (high, low, high), (high, high, high), (low, high, low))
        ]
        lows, highs = np.min(corners, axis=0), np.max(corners, axis=0)
        if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
            raise ReadError(
                "This point cloud has no place in the city's coordinate system.",
                hint="Check the coordinate system of the file.",
            )
        return lows, highs


def _heights(crs: str) -> tuple[str, float]:
    """Height system and metres per unit of height that a file's CRS names."""
    if not crs or crs.startswith("EPSG:"):
        return "", 1.0
    import pyproj

    try:
        known = pyproj.CRS.from_wkt(crs)
    except pyproj.exceptions.CRSError:
        return "", 1.0
    parts = known.sub_crs_list if known.is_compound else [known]
    vertical = next((part for part in parts if part.is_vertical), None)
    if vertical is not None:
        factor = vertical.axis_info[0].unit_conversion_factor if vertical.axis_info else 1.0
        return vertical.name, float(factor or 1.0)
    axes = parts[0].axis_info
    return "", float(axes[0].unit_conversion_factor or 1.0) if axes and parts[0].is_projected else 1.0
