"""OpenStreetMap extracts (.osm, .osm.pbf) as one city of blocks.

Here is the way from file to city; decoding is in ``pbf`` and ``osm_xml``, the meaning of tags in ``tags``, outlines
in ``shapes`` and faces in ``blocks``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.plugin_api import CityModel, ReadContext, ReadError

from .blocks import FaceList
from .data import Collector, OsmData
from .osm_xml import read_xml
from .parts import Buildings, find_buildings
from .pbf import read_pbf
from .roofs import roof_of
from .shapes import Shapes, find_shapes
from .tags import FLAT_LEVEL_M, Kind, describe, tree_size

ATTRIBUTION = "© OpenStreetMap contributors (ODbL)"


def looks_like_osm(head: bytes) -> float:
    """How sure this is OpenStreetMap data, by its first bytes."""
    if b"OSMHeader" in head[:32]:
        return 0.98
    return 0.95 if b"<osm" in head[:4096] and b"<osmChange" not in head[:4096] else 0.0


def read_osm(path: Path, context: ReadContext) -> CityModel:
    """One city in metres: blocks for buildings, flat areas for roads, water and green, and single trees."""
    collector = Collector(path)
    with path.open("rb") as file:
        is_pbf = b"OSMHeader" in file.read(32)
    context.progress.report(0.02, "Reading")
    (read_pbf if is_pbf else read_xml)(path, collector, context)
    context.facts["version"] = "PBF" if is_pbf else "XML"
    data = collector.finish()
    context.progress.report(0.4, "Making outlines")
    shapes = find_shapes(data, context)
    context.progress.report(0.6, "Making outlines")
    city = _City(FaceList())
    city.add_buildings(find_buildings(shapes, context))
    city.add_areas(shapes)
    city.add_trees(data, shapes, context)
    if not city.ids:
        raise ReadError("There is nothing to show in this file: no buildings, roads, water, green or trees.", path=path)
    ground_m = context.frame.origin_crs[2]
    raw = city.faces.raw_city(context.frame, ground_m)
    raw.object_ids, raw.object_types, raw.object_parent = city.ids, city.types, city.parents()
    raw.attributes = city.columns()
    raw.format, raw.attribution = "OpenStreetMap", ATTRIBUTION
    raw.version = context.facts["version"]
    raw.name = path.name.split(".")[0]
    context.info("Data © OpenStreetMap contributors, Open Database Licence (ODbL); name them wherever you show it.")
    return context.make_city(raw, path)


class _City:
    """Objects in the order they are added, with their attributes and faces."""

    def __init__(self, faces: FaceList) -> None:
        self.faces = faces
        self.ids: list[str] = []
        self.types: list[str] = []
        self._parent: list[int] = []
        self._values: dict[str, tuple[list[int], list[object]]] = {}

    def add_buildings(self, buildings: Buildings) -> None:
        """Buildings, then their parts; a part's parent is a row of ``buildings`` as well."""
        first = len(self.ids)
        for row, (own_id, tags) in enumerate(zip(buildings.ids, buildings.tags, strict=True)):
            parent = int(buildings.parent[row])
            self._add(own_id, "BuildingPart" if parent >= 0 else "Building", first + parent if parent >= 0 else -1)
            self._describe(describe(tags, Kind.BUILDING))
            self._describe({"heightSource": buildings.source[row]})
        rows = buildings.outline_row
        roofs = [roof_of(buildings.tags[row]) for row in rows.tolist()]
        shaped = np.flatnonzero([roof is not None for roof in roofs])
        done = self.faces.add_roofed(
            buildings.outlines[shaped], first + rows[shaped], buildings.base_m[rows[shaped]],
            buildings.top_m[rows[shaped]], [roof for roof in roofs if roof is not None],
        )  # fmt: skip
        flat = np.setdiff1d(np.arange(len(rows)), shaped[done])
        self.faces.add_blocks(
            buildings.outlines[flat], first + rows[flat], buildings.base_m[rows[flat]], buildings.top_m[rows[flat]]
        )

    def add_areas(self, shapes: Shapes) -> None:
        """Roads, railways, water and green as flat faces, one a few centimetres above the other."""
        first = len(self.ids)
        chosen = [row for row, kind in enumerate(shapes.kinds) if kind in FLAT_LEVEL_M]
        for row in chosen:
            kind = shapes.kinds[row]
            self._add(shapes.ids[row], kind.value, -1)
            self._describe(describe(shapes.tags[row], kind))
        self.faces.add_flat(shapes.outlines[chosen], first, [shapes.kinds[row] for row in chosen])

    def add_trees(self, data: OsmData, shapes: Shapes, context: ReadContext) -> None:
        """Single trees with a simple crown."""
        first = len(self.ids)
        xy, rows = shapes.tree_places(data)
        sizes = [tree_size(data.tree_tags[row]) for row in rows.tolist()]
        for row in rows.tolist():
            tags = data.tree_tags[row]
            self._add(f"node/{data.tree_ids[row]}", Kind.TREE.value, -1)
            self._describe(describe(tags, Kind.TREE))
        context.info(
            "Trees without a height are drawn {height_m} m tall: {count}",
            count=sum(size.assumed for size in sizes),
            height_m="10",
        )
        self.faces.add_trees(xy, first, sizes)

    def parents(self):
        """(N,) int: the parent of each object, -1 for none."""
        return np.array(self._parent, dtype=np.int64)

    def columns(self):
        """Attributes in the form of ``RawCity``."""
        return {name: (np.array(rows), values) for name, (rows, values) in self._values.items()}

    def _add(self, own_id: str, kind: str, parent: int) -> None:
        self.ids.append(own_id)
        self.types.append(kind)
        self._parent.append(parent)

    def _describe(self, values: dict[str, object]) -> None:
        row = len(self.ids) - 1
        for name, value in values.items():
            rows, column = self._values.setdefault(name, ([], []))
            rows.append(row)
            column.append(value)
