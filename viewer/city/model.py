"""The columnar city model: a few large arrays, never one Python object per building."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import Appearance
from viewer.city.frame import Frame
from viewer.city.kinds import Theme, theme_of_type
from viewer.city.texts import TextIndex, index_of, rows_of
from viewer.city.tiles import Tiles


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One attribute over all objects of a city.

    ``values`` is (N,) float64 with NaN for missing, or (N,) ``StringDType`` with ``""`` for missing.
    """

    name: str
    values: NDArray[np.generic]

    @property
    def numeric(self) -> bool:
        """Whether the attribute is a number."""
        return self.values.dtype.kind == "f"


@dataclass(frozen=True, eq=False)
class ObjectTable:
    """City objects as columns; N objects, K of them top-level ("features" for short).

    Parameters
    ----------
    ids : (N,) StringDType, the ``gml:id`` or CityJSON id. Unique within a model. Ids and texts of a prepared city
        are ``PackedTexts``, which answer like such arrays: ask for the rows you need, not for all.
    types : names of object types, in CityJSON words (``"BuildingPart"``).
    type_code : (N,) uint16, index into ``types``.
    parent : (N,) int32, index of the parent object, -1 for top-level ones. A parent may come later.
    attributes : attribute name -> column. ``measuredHeight``, ``storeysAboveGround``, ``function``,
        ``usage``, ``yearOfConstruction``, ``roofType`` carry their CityGML names; addresses are
        ``address``; names ``name``.
    """

    ids: NDArray[np.generic]
    types: tuple[str, ...]
    type_code: NDArray[np.uint16]
    parent: NDArray[np.int32]
    attributes: Mapping[str, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.parent)

    @cached_property
    def root(self) -> NDArray[np.int32]:
        """(N,) int32: the top-level object each object belongs to (itself if it is one).

        Parents that form a ring are cut: those objects are their own root.
        """
        n = len(self.parent)
        own = np.arange(n, dtype=np.int32)
        up = np.where(self.parent >= 0, self.parent, own).astype(np.int32)
        for _ in range(max(1, int(np.ceil(np.log2(max(n, 2)))) + 1)):
            upper = up[up]
            if np.array_equal(upper, up):
                return up
            up = upper
        return np.where(up[up] == up, up, own).astype(np.int32)

    @cached_property
    def features(self) -> NDArray[np.int32]:
        """(K,) int32: object index of every top-level object, ascending."""
        return np.flatnonzero(self.root == np.arange(len(self), dtype=np.int32)).astype(np.int32)

    @cached_property
    def feature_of_object(self) -> NDArray[np.int32]:
        """(N,) int32: position in ``features`` of the top-level object each object belongs to."""
        position = np.zeros(len(self), dtype=np.int32)
        position[self.features] = np.arange(len(self.features), dtype=np.int32)
        return position[self.root]

    @cached_property
    def feature_theme(self) -> NDArray[np.generic]:
        """(K,) uint8: index into ``tuple(Theme)`` of every top-level object."""
        themes = tuple(Theme)
        by_type = np.array([themes.index(theme_of_type(t)) for t in self.types] or [0], dtype=np.uint8)
        return by_type[self.type_code[self.features]]

    @cached_property
    def feature_is_building(self) -> NDArray[np.bool_]:
        """(K,) bool: top-level objects that count as buildings."""
        return np.asarray(self.feature_theme == tuple(Theme).index(Theme.BUILDING))

    def rows_of(self, ids: Iterable[str]) -> NDArray[np.intp]:
        """Objects with these ids, ascending; ids that no object has are passed over."""
        return rows_of(self.ids, self._id_index, ids)

    @cached_property
    def _id_index(self) -> TextIndex:
        return index_of(self.ids)

    def feature_column(self, name: str) -> Column | None:
        """An attribute of the top-level objects, (K,); None if no object has it.

        A top-level object without the value takes the one of its first part that has it.
        """
        column = self.attributes.get(name)
        if column is None:
            return None
        values = column.values[self.features].copy()
        has = ~np.isnan(column.values) if column.numeric else column.values != ""
        lacking = ~has[self.features]
        givers = np.flatnonzero(has)[::-1]
        givers = givers[lacking[self.feature_of_object[givers]]]
        values[self.feature_of_object[givers]] = column.values[givers]
        return Column(name, values)

    def count_by_type(self) -> dict[str, int]:
        """Number of objects by type, most frequent first."""
        counts = np.bincount(self.type_code, minlength=len(self.types))
        order = np.argsort(-counts, kind="stable")
        return {self.types[i]: int(counts[i]) for i in order if counts[i]}


@dataclass(frozen=True, eq=False)
class CityModel:
    """A city: V vertices, R rings, F faces, T triangles, N objects. All arrays are read-only.

    Every face owns its vertices: vertices of ring r are ``positions_local[ring_start[r]:ring_start[r + 1]]``
    (no closing vertex), rings of face f are ``face_ring_start[f] .. face_ring_start[f + 1]``, the first
    being the outer one, counter-clockwise seen from outside.

    Parameters
    ----------
    positions_local : (V, 3) float32, metres in ``frame``.
    ring_start : (R + 1,) int32 into the vertices.
    face_ring_start : (F + 1,) int32 into the rings.
    face_surface : (F,) uint8, ``SurfaceType``.
    face_object : (F,) int32 into the objects.
    face_lod : (F,) uint8 into ``lods``.
    triangles : (T, 3) int32 into the vertices; sorted by face.
    triangle_face : (T,) int32 into the faces, ascending.
    lods : levels of detail as text, ascending.
    attribution : who must be named in every picture of the city, "" for nobody.
    tiles : squares of the ground the arrays are sorted by, None where they are not (see ``arrange``).
    appearance : textures and materials, None where the city has none.
    face_shell : (F,) int32, solid and shell of each face, see ``solids``; None where all solids have one shell.
    """

    name: str
    frame: Frame
    positions_local: NDArray[np.float32]
    ring_start: NDArray[np.int32]
    face_ring_start: NDArray[np.int32]
    face_surface: NDArray[np.uint8]
    face_object: NDArray[np.int32]
    face_lod: NDArray[np.uint8]
    triangles: NDArray[np.int32]
    triangle_face: NDArray[np.int32]
    objects: ObjectTable
    lods: tuple[str, ...] = ("",)
    attribution: str = ""
    tiles: Tiles | None = None
    appearance: Appearance | None = None
    face_shell: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        for array in self.arrays().values():
            array.setflags(write=False)
        if self.face_shell is not None:
            self.face_shell.setflags(write=False)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The geometry arrays by name."""
        names = (
            "positions_local", "ring_start", "face_ring_start", "face_surface",
            "face_object", "face_lod", "triangles", "triangle_face",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @cached_property
    def face_start(self) -> NDArray[np.int32]:
        """(F + 1,) int32: first vertex of each face."""
        return self.ring_start[self.face_ring_start]

    @cached_property
    def face_feature(self) -> NDArray[np.int32]:
        """(F,) int32: top-level object of each face, as a position in ``objects.features``."""
        if not len(self.objects):
            return np.zeros(len(self.face_object), np.int32)
        return self.objects.feature_of_object[self.face_object]

    @cached_property
    def vertex_face(self) -> NDArray[np.int32]:
        """(V,) int32: face of each vertex."""
        return np.repeat(np.arange(len(self.face_surface), dtype=np.int32), np.diff(self.face_start))

    @cached_property
    def extent_local(self) -> NDArray[np.float64]:
        """(2, 3) float64: lowest and highest corner, metres; zeros for an empty city."""
        if self.tiles is not None and np.isfinite(self.tiles.low).any():
            return np.array([self.tiles.low.min(axis=0), self.tiles.high.max(axis=0)])
        if not len(self.positions_local):
            return np.zeros((2, 3))
        # column by column: many times faster than along the short rows
        return np.array([(column.min(), column.max()) for column in self.positions_local.T], dtype=np.float64).T.copy()

    @property
    def nbytes(self) -> int:
        """Size of the geometry arrays in bytes."""
        more = 0 if self.face_shell is None else self.face_shell.nbytes
        return sum(array.nbytes for array in self.arrays().values()) + more
