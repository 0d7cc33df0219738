"""What threads in the background make of a tile or a square: arrays for an actor. No VTK, nothing shared is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.city.geometry import points_in_ring
from viewer.scene.city_mesh import CityArrays
from viewer.scene.coarse import Blocks
from viewer.scene.dress import Dress
from viewer.scene.faces import Faces
from viewer.scene.levels import BLOCKS, HOUSES, LevelTree
from viewer.scene.packing import code_colors, face_codes
from viewer.scene.palettes import Look
from viewer.scene.rows import Rows
from viewer.scene.textured import ATTRIBUTE
from viewer.scene.tile_mesh import (
    TileMesh,
    blocks_mesh,
    body_mesh,
    edge_mesh,
    ground_mesh,
    shared_mesh,
    some_blocks,
)

#: A node of the level tree, the see-through faces of one, what lies on the ground of a tile, or the outlines of its
#: buildings.
Key = tuple[Literal["node", "panes", "ground", "edges"], int]
Unsealed = tuple[tuple[float, NDArray[np.float64] | None], ...]


@dataclass(frozen=True, eq=False)
class Refused:
    """A tile whose stored arrays are damaged, and the sentence that says so."""

    tile: int
    sentence: str


@dataclass(frozen=True, eq=False)
class Paint:
    """What the colours of the ground of a tile depend on, for each of its n points.

    codes : (n,) uint8. dressed : (n, 3) float32 in 0..1, colours of the file, NaN where it has none.
    normals : (n, 3) float32. place : (n, 2) float32, middle of the face. sealed : (n,) bool.
    """

    codes: NDArray[np.uint8]
    dressed: NDArray[np.float32]
    normals: NDArray[np.float32]
    place: NDArray[np.float32]
    sealed: NDArray[np.bool_]

    def colors(self, style: Look) -> NDArray[np.float64]:
        """(n, 3) in 0..1 in a theme."""
        plain = code_colors(style)[self.codes]
        return plain if not len(self.dressed) else np.where(np.isnan(self.dressed), plain, self.dressed)

    def unsealed_share(self, unsealed: Unsealed) -> NDArray[np.float64]:
        """(n,) share of green on each point."""
        share = np.zeros(len(self.codes))
        for value, ring in unsealed:
            inside = np.ones(len(share), bool) if ring is None else points_in_ring(self.place.astype(np.float64), ring)
            share[inside] = value
        return share * self.sealed


@dataclass(frozen=True, eq=False)
class Made:
    """What a job made. colors : (n, 3) uint8 of the points of dressed bodies, (n, 4) of panes. more : further
    attributes for the shader. paint : of the ground. panes : what one sees through of a dressed body."""

    mesh: TileMesh
    colors: NDArray[np.uint8] | None = None
    more: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    paint: Paint | None = None
    panes: Made | None = None


@dataclass(eq=False)
class Jobs:
    """Makes what belongs to a key. dress : None for the colours of the theme alone."""

    arrays: CityArrays
    tree: LevelTree
    rows: Rows
    dress: Dress | None = None

    def page_of(self, key: Key) -> int:
        """The page of ``rows`` that moves what belongs to a key; -1 for the ground."""
        kind, number = key
        if kind == "ground":
            return -1
        if kind == "edges" or self.tree.kind[number] != 0:
            return int(self.rows.page_of_tile[number if kind == "edges" else self.tree.tile[number]])
        return int(self.rows.page_of_square[number])

    def job(self, key: Key) -> Callable[[], Made | Refused]:
        """A call for any thread."""
        dress = self.dress

        def make() -> Made | Refused:
            return self._make(key, dress)

        return make

    def _make(self, key: Key, dress: Dress | None) -> Made | Refused:
        kind, number = key
        arrays, tree = self.arrays, self.tree
        first = 0 if kind == "ground" else self.rows.pages[self.page_of(key)].first
        if kind == "node" and tree.kind[number] != HOUSES:
            if tree.kind[number] == BLOCKS:
                boxes = arrays.far.blocks
                start, end = (int(n) for n in arrays.tiles.feature_start[[tree.tile[number], tree.tile[number] + 1]])
                worn = None if dress is None else dress.of_objects[start:end]
            else:
                boxes = arrays.far.masses.boxes
                start, end = (int(n) for n in arrays.far.masses.node_start[[number, number + 1]])
                worn = None if dress is None else dress.of_masses(arrays.far.masses, start, end)
            some = some_blocks(boxes, start, end)
            return Made(blocks_mesh(some, start - first), _block_colors(some, worn, dress))
        tile = int(tree.tile[number]) if kind == "node" else number
        sentence = "" if arrays.tiles.verify is None else arrays.tiles.verify(tile)
        if sentence:
            return Refused(tile, sentence)
        faces = arrays.faces(tile)
        if kind == "ground":
            return self._ground(faces, dress)
        if kind == "edges":
            atlas = None if dress is None else dress.atlas
            own = slice(faces.first_face, faces.first_face + len(faces))
            return Made(edge_mesh(arrays, faces, first, None if atlas is None else atlas.textured[own]))
        if dress is None:
            return Made(shared_mesh(arrays, faces, first))
        own = slice(faces.first_face, faces.first_face + len(faces))
        codes = face_codes(faces.surface, faces.theme, faces.normals[:, 2])
        colors = dress.face_colors(own.start, own.stop)
        colors = np.where(np.isnan(colors), code_colors(dress.style)[codes], colors)
        rgba = np.column_stack([np.rint(colors * 255).astype(np.uint8), dress.opacity(own.start, own.stop)])
        clear = faces.body & (rgba[:, 3] < 255)
        panes = None
        if clear.any():
            pane = body_mesh(arrays, faces, first, clear)
            panes = Made(pane, rgba[pane.face])
        mesh = body_mesh(arrays, faces, first, faces.body & ~clear)
        return Made(mesh, rgba[mesh.face, :3], _pictures(faces, mesh, arrays, dress), panes=panes)

    def _ground(self, faces: Faces, dress: Dress | None) -> Made:
        mesh = ground_mesh(faces)
        codes = face_codes(faces.surface, faces.theme, faces.normals[:, 2])
        own = np.flatnonzero(np.diff(faces.face_start))  # faces that have points
        place = np.zeros((len(faces), 2), np.float64)
        if len(own):
            sums = np.add.reduceat(faces.positions[:, :2].astype(np.float64), faces.face_start[own], axis=0)
            place[own] = sums / np.diff(faces.face_start)[own, None]
        none = np.empty((0, 3), np.float32)
        more: dict[str, NDArray[np.float32]] = {}
        if dress is not None:
            more = _pictures(faces, mesh, self.arrays, dress)
            if more:
                more["faceNormal"] = faces.normals[mesh.face]
        paint = Paint(
            codes[mesh.face],
            none if dress is None else dress.face_colors(faces.first_face, faces.first_face + len(faces))[mesh.face],
            faces.normals[mesh.face],
            place[mesh.face].astype(np.float32),
            self.arrays.sealed[faces.feature[mesh.face]] if len(mesh.face) else np.zeros(0, bool),
        )
        return Made(mesh, None, more, paint)


def _block_colors(boxes: Blocks, worn: NDArray[np.float32] | None, dress: Dress | None) -> NDArray[np.uint8] | None:
    """(8 * n, 3) uint8 of the corners of the boxes that are there, where any of them wears something; else None."""
    if worn is None or dress is None or np.isnan(worn).all():
        return None
    there = boxes.there
    plain = code_colors(dress.style)[np.column_stack([boxes.side[there], boxes.top[there]])]
    colors = np.where(np.isnan(worn[there]), plain, worn[there])
    return np.asarray(np.rint(np.repeat(colors, 4, axis=1).reshape(-1, 3) * 255), dtype=np.uint8)


def _pictures(faces: Faces, mesh: TileMesh, arrays: CityArrays, dress: Dress) -> dict[str, NDArray[np.float32]]:
    """Texture coordinates and picture of every point, -1 for none; nothing without an atlas."""
    appearance = arrays.city.appearance
    if dress.atlas is None or appearance is None:
        return {}
    first = faces.first_face
    index = np.arange(len(faces.positions))[_kept(faces, mesh)] + faces.first_vertex
    result = np.zeros((len(mesh.points), 3), np.float32)
    textured = dress.atlas.textured[mesh.face + first]
    result[textured, :2] = appearance.uv[index[textured]]
    result[:, 2] = np.where(textured, appearance.face_texture[mesh.face + first], -1)
    return {ATTRIBUTE: result}


def _kept(faces: Faces, mesh: TileMesh) -> NDArray[np.bool_]:
    """(v,) bool: vertices that are in a mesh; a mesh holds all vertices of its faces."""
    own = np.zeros(len(faces), bool)
    own[mesh.face] = True
    return np.asarray(own[faces.vertex_face])
