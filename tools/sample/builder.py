"""Collects objects and faces of the sample and hands them to the project's own ``assemble``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.sample.terrain import CRS, ORIGIN
from viewer.city import CityModel, SurfaceType
from viewer.plugin_api import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers.assemble import assemble

Point = Sequence[float]
G, W, R = SurfaceType.GROUND, SurfaceType.WALL, SurfaceType.ROOF


class CityBuilder:
    """Grows the quarter object by object. Coordinates are metres from ``ORIGIN``, z above sea."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.types: list[str] = []
        self.parents: list[int] = []
        self.attributes: dict[str, tuple[list[int], list[object]]] = {}
        self._points: list[np.ndarray] = []
        self._rings: list[int] = []
        self._ring_face: list[int] = []
        self._face_object: list[int] = []
        self._face_surface: list[int] = []
        self._face_lod: list[int] = []
        self._numbers: dict[str, int] = {}

    def add(self, kind: str, prefix: str, *, parent: int = -1, **attributes: object) -> int:
        """A new object; its id is the prefix and a running number."""
        number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        index = len(self.ids)
        self.ids.append(f"{prefix}-{number:04d}")
        self.types.append(kind)
        self.parents.append(parent)
        for name, value in attributes.items():
            rows, values = self.attributes.setdefault(name, ([], []))
            rows.append(index)
            values.append(value)
        return index

    def face(self, index: int, rings: Sequence[np.ndarray], surface: int, *, lod: int = 0) -> None:
        """A face of rings (n, 3), the outer one first."""
        for ring in rings:
            self._ring_face.append(len(self._face_object))
            self._rings.append(len(ring))
            self._points.append(np.asarray(ring, float))
        self._face_object.append(index)
        self._face_surface.append(int(surface))
        self._face_lod.append(lod)

    def prism(self, index: int, ring: np.ndarray, z0: float, z1: float, *, floor: bool = True) -> None:
        """A block with a flat top over a counter-clockwise ring (n, 2)."""
        n = len(ring)
        low, high = np.column_stack([ring, np.full(n, z0)]), np.column_stack([ring, np.full(n, z1)])
        if floor:
            self.face(index, [low[::-1]], G)
        for i in range(n):
            j = (i + 1) % n
            self.face(index, [np.array([low[i], low[j], high[j], high[i]])], W)
        self.face(index, [high], R)

    def gable(self, index: int, quad: np.ndarray, z0: float, eaves: float, ridge: float) -> None:
        """A house over a counter-clockwise quad (4, 2); the ridge runs along edges 0-1 and 3-2."""
        a, b, c, d = quad
        left, right = (a + d) / 2, (b + c) / 2

        def at(p: np.ndarray, z: float) -> np.ndarray:
            return np.array([p[0], p[1], z])

        self.face(index, [np.array([at(p, z0) for p in (d, c, b, a)])], G)
        for p, q in ((a, b), (c, d)):
            self.face(index, [np.array([at(p, z0), at(q, z0), at(q, eaves), at(p, eaves)])], W)
        for p, q, top in ((b, c, right), (d, a, left)):
            wall = [at(p, z0), at(q, z0), at(q, eaves), at(top, ridge), at(p, eaves)]
            self.face(index, [np.array(wall)], W)
        self.face(index, [np.array([at(a, eaves), at(b, eaves), at(right, ridge), at(left, ridge)])], R)
        self.face(index, [np.array([at(c, eaves), at(d, eaves), at(left, ridge), at(right, ridge)])], R)

    def hip(self, index: int, quad: np.ndarray, z0: float, eaves: float, ridge: float, inset: float) -> None:
        """Like ``gable`` with sloping ends; ``inset`` 0.5 gives a pyramid."""
        a, b, c, d = quad
        left, right = (a + d) / 2, (b + c) / 2
        left, right = left + (right - left) * inset, right + (left - right) * inset

        def at(p: np.ndarray, z: float) -> np.ndarray:
            return np.array([p[0], p[1], z])

        self.face(index, [np.array([at(p, z0) for p in (d, c, b, a)])], G)
        for p, q in ((a, b), (b, c), (c, d), (d, a)):
            self.face(index, [np.array([at(p, z0), at(q, z0), at(q, eaves), at(p, eaves)])], W)
        self.face(index, [np.array([at(a, eaves), at(b, eaves), at(right, ridge), at(left, ridge)])], R)
        self.face(index, [np.array([at(c, eaves), at(d, eaves), at(left, ridge), at(right, ridge)])], R)
        self.face(index, [np.array([at(b, eaves), at(c, eaves), at(right, ridge)])], R)
        self.face(index, [np.array([at(d, eaves), at(a, eaves), at(left, ridge)])], R)

    def city(self) -> CityModel:
        """The finished, checked city."""
        points = np.concatenate(self._points)
        points[:, :2] += ORIGIN
        raw = RawCity(
            points_crs=np.round(points, 2),
            ring_start=np.concatenate([[0], np.cumsum(self._rings)]),
            ring_face=np.array(self._ring_face),
            face_object=np.array(self._face_object),
            face_surface=np.array(self._face_surface),
            face_lod=np.array(self._face_lod),
            lods=["2.2"],
            object_ids=self.ids,
            object_types=self.types,
            object_parent=np.array(self.parents),
            attributes={name: (np.array(rows), values) for name, (rows, values) in self.attributes.items()},
            crs=CRS,
            vertical_crs="EPSG:7837",
            name="Auenstadt",
            format="CityJSON",
            version="2.0",
        )
        return assemble(raw, ReadContext(), path=Path("auenstadt.city.json"))
