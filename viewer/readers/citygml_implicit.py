"""Implicit geometry: one shape in its own small frame, placed many times by matrix and reference point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.citygml_arrays import FaceArrays, gml_id
from viewer.readers.citygml_faces import FaceCollector
from viewer.readers.citygml_names import HREF

Element = Any
Floats = NDArray[np.float64]

#: Id of a shape -> owner, level of detail, surface, matrix and reference point of each place.
Places = dict[str, list[tuple[int, int, int, Floats, Floats]]]

_METRES_PER_DEGREE = 111_320.0
#: Begins the names of shapes without an id.
_NAMELESS = "\0shape "


class ImplicitGeometries:
    """Shapes by id, and where they are placed.

    external : placements whose shape lies in another file, which are not shown. shapes, places : by id.
    """

    def __init__(self, faces: FaceCollector | None = None) -> None:
        """Shapes are gathered by collectors of the kind of ``faces``."""
        self.external = 0
        self._faces = FaceCollector() if faces is None else faces
        self.shapes: dict[str, FaceArrays] = {}
        self.places: Places = {}

    def add(self, prop: Element, owner: int, lod: int, surface: int) -> None:
        """Note the placement in ``lodNImplicitRepresentation``, and its shape if it stands there."""
        implicit = next(prop.iter("{*}ImplicitGeometry"), None)
        if implicit is None:
            return
        matrix, reference, shape = np.eye(4), np.zeros(3), ""
        for child in implicit:
            name = str(child.tag).rpartition("}")[2]
            if name == "transformationMatrix":
                numbers = _numbers(child.text)
                if len(numbers) == 16:
                    matrix = numbers.reshape(4, 4)
            elif name == "referencePoint":
                point = next(child.iter("{*}pos", "{*}coordinates"), None)
                if point is not None:
                    numbers = _numbers(point.text)
                    reference[: min(3, len(numbers))] = numbers[:3]
            elif name in ("relativeGMLGeometry", "relativeGeometry"):
                shape = self._shape(child)
        if not shape:
            self.external += 1
            return
        self.places.setdefault(shape, []).append((owner, lod, surface, matrix, reference))

    def _shape(self, element: Element) -> str:
        """Id of the shape; read once, where it stands."""
        href = element.get(HREF)
        if href and not len(element):
            return str(href).rpartition("#")[2]
        if not len(element):
            return ""
        geometry = element[0]
        name = gml_id(geometry) or f"{_NAMELESS}{len(self.shapes)}"
        if name not in self.shapes:
            collector = self._faces.another()
            collector.collect(geometry, 0, 0, 0)
            self.shapes[name] = collector.take()
        return name

    def absorb(self, shapes: dict[str, FaceArrays], places: Places, external: int, owner: int, lods: list[int]) -> None:
        """Take over what was gathered elsewhere, where ``owner`` was 0 and levels of detail had other codes."""
        mine = len(self.shapes)

        def known_as(name: str) -> str:
            return f"{name} {mine}" if name.startswith(_NAMELESS) else name

        self.external += external
        for name, shape in shapes.items():
            self.shapes.setdefault(known_as(name), shape)
        for name, rows in places.items():
            moved = [(row[0] + owner, lods[row[1]], *row[2:]) for row in rows]
            self.places.setdefault(known_as(name), []).extend(moved)

    def place(self, geographic: bool, north_first: bool) -> tuple[list[FaceArrays], list[int]]:
        """Faces of all placements, and the objects whose shape was not found.

        In a geographic system the reference points are degrees and the shapes metres, which are turned into
        degrees around each point.
        """
        placed: list[FaceArrays] = []
        missing: list[int] = []
        for name, places in self.places.items():
            shape = self.shapes.get(name)
            if shape is None:
                missing.extend(place[0] for place in places)
            elif len(shape.face_object):
                placed.append(_instances(shape, places, geographic, north_first))
        return placed, missing


def _instances(
    shape: FaceArrays, places: list[tuple[int, int, int, Floats, Floats]], geographic: bool, north_first: bool
) -> FaceArrays:
    count, faces = len(places), len(shape.face_object)
    matrices = np.stack([place[3] for place in places])
    references = np.stack([place[4] for place in places])
    points = np.einsum("nij,pj->npi", matrices[:, :3, :3], shape.points) + matrices[:, None, :3, 3]
    if geographic:
        latitude = references[:, 0 if north_first else 1]
        scale = np.ones((count, 3))
        east = 1 if north_first else 0
        scale[:, east] = 1 / (_METRES_PER_DEGREE * np.maximum(np.cos(np.radians(latitude)), 1e-6))
        scale[:, 1 - east] = 1 / _METRES_PER_DEGREE
        points = (points[..., [1, 0, 2]] if north_first else points) * scale[:, None]
    points += references[:, None]

    def of_places(column: int) -> NDArray[np.int64]:
        return np.repeat(np.array([place[column] for place in places]), faces)

    ring_face = np.tile(shape.ring_face, count) + np.repeat(np.arange(count) * faces, len(shape.ring_face))
    return FaceArrays(
        points.reshape(-1, 3),
        np.tile(shape.ring_size, count),
        ring_face.astype(np.int32),
        of_places(0).astype(np.int32),
        of_places(2).astype(np.uint8),
        of_places(1).astype(np.uint8),
        None if shape.number is None else np.tile(shape.number, count),
        None if shape.shell is None else np.tile(shape.shell, count),
    )


def _numbers(text: str | None) -> Floats:
    try:
        return np.array([float(word) for word in (text or "").replace(",", " ").split()])
    except ValueError:
        return np.zeros(0)
