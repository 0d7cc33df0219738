"""Whether the tiles of a stored city are what was written, looked at when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import Appearance
from viewer.city.tiles import DAMAGED_TEXT
from viewer.readers.store.arrays import Array, Divided

_UNKNOWN, _SOUND, _BROKEN = 0, 1, 2


class Soundness:
    """Checksums of tiles, each taken once. Safe to ask in any thread: two at once do the work twice.

    ``noticed`` is called whenever a tile is found damaged.
    """

    def __init__(self, divided: Mapping[str, Divided], object_start: NDArray[np.int64]) -> None:
        self._divided, self._object_start = divided, object_start
        self.noticed: Callable[[], None] = lambda: None
        self._state = {name: np.zeros(len(array.split), np.uint8) for name, array in divided.items()}

    def is_sound(self, name: str, tile: int) -> bool:
        """Whether one tile of one array is what was written; arrays without tiles were checked at opening."""
        state = self._state.get(name)
        if state is None:
            return True
        if state[tile] == _UNKNOWN:
            sound = self._divided[name].is_sound(tile)
            state[tile] = _SOUND if sound else _BROKEN
            if not sound:
                self.noticed()
        return bool(state[tile] == _SOUND)

    def broken_rows(self, names: Iterable[str]) -> int:
        """How many objects have something damaged in these arrays; looks at all tiles."""
        names = tuple(names)
        sizes = np.diff(self._object_start).tolist()
        return sum(size for b, size in enumerate(sizes) if not all(self.is_sound(name, b) for name in names))

    def of_rows(self, names: Iterable[str], rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(n,) bool: objects whose tiles are sound in all these arrays, which are divided by objects."""
        tile = np.searchsorted(self._object_start, rows, side="right") - 1
        sound = np.ones(len(self._object_start) - 1, bool)
        names = tuple(names)
        for number in np.unique(tile).tolist():
            sound[number] = all(self.is_sound(name, number) for name in names)
        return sound[tile]


@dataclass(frozen=True, eq=False)
class TileCheck:
    """Called with a tile before it is drawn, see ``Tiles.verify``.

    Parameters
    ----------
    names : the arrays whose checksums count: geometry and what is drawn of it.
    arrays : the geometry by name. start : (B + 1,) first row of every tile by axis.
    low, high : (B, 3) the boxes of the tiles.
    lods : number of levels of detail. appearance : textures and materials, None without.
    """

    soundness: Soundness
    names: tuple[str, ...]
    arrays: Mapping[str, Array]
    start: Mapping[str, NDArray[np.int64]]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    lods: int
    appearance: Appearance | None = None

    def __call__(self, tile: int) -> str:
        """ "" if the tile is what was written and leads nowhere outside itself, else a sentence for people."""
        if not all(self.soundness.is_sound(name, tile) for name in self.names):
            return DAMAGED_TEXT
        return "" if self._holds_together(tile) else DAMAGED_TEXT

    def _range(self, axis: str, tile: int) -> tuple[int, int]:
        return int(self.start[axis][tile]), int(self.start[axis][tile + 1])

    def _holds_together(self, tile: int) -> bool:
        """Offsets rise, indices stay inside the tile, places are numbers: a checksum proves none of this."""
        of = self.arrays
        (object_0, object_1), (face_0, face_1) = self._range("object", tile), self._range("face", tile)
        (ring_0, ring_1), (vertex_0, vertex_1) = self._range("ring", tile), self._range("vertex", tile)
        triangle_0, triangle_1 = self._range("triangle", tile)
        rings = of["face_ring_start"][face_0 : face_1 + 1].astype(np.int64)
        starts = of["ring_start"][ring_0 : ring_1 + 1].astype(np.int64)
        if not _rises(rings, ring_0, ring_1) or not _rises(starts, vertex_0, vertex_1):
            return False
        first = starts[rings - ring_0]
        owner, lod = of["face_object"][face_0:face_1], of["face_lod"][face_0:face_1]
        if (np.diff(first) < 3).any() or not _within(owner, object_0, object_1) or not _within(lod, 0, self.lods):
            return False
        positions = of["positions_local"][vertex_0:vertex_1]
        if not ((positions >= self.low[tile]) & (positions <= self.high[tile])).all():  # false for NaN
            return False
        face = of["triangle_face"][triangle_0:triangle_1].astype(np.int64)
        if not _within(face, face_0, face_1) or (face[1:] < face[:-1]).any():
            return False
        if self.appearance is not None:
            texture = self.appearance.face_texture[face_0:face_1]
            material = self.appearance.face_material[face_0:face_1]
            if not _within(texture, -1, len(self.appearance.textures)):
                return False
            if not _within(material, -1, len(self.appearance.materials)):
                return False
        corners: NDArray[np.int32] = of["triangles"][triangle_0:triangle_1]  # type: ignore[assignment]
        low, high = first[face - face_0], first[face - face_0 + 1]
        return bool((corners >= low[:, None]).all() and (corners < high[:, None]).all())


def _rises(start: NDArray[np.int64], first: int, last: int) -> bool:
    return int(start[0]) == first and int(start[-1]) == last and not (start[1:] < start[:-1]).any()


def _within(index: Array, low: int, high: int) -> bool:
    return not index.size or (int(index.min()) >= low and int(index.max()) < high)
