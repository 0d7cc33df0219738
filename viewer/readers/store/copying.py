"""Copies top-level objects of several cities into the arrays of a store, one tile after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Column, ObjectTable
from viewer.city.appearance import Appearance
from viewer.city.merge import as_text
from viewer.city.texts import PackedTexts, as_array, pack
from viewer.readers.store.appearance import places_of
from viewer.readers.store.arrays import Array, ArrayStream, ArrayWriter, load
from viewer.readers.store.city import GEOMETRY, SHELLS
from viewer.readers.store.plan import Piece, Plan


class Copy:
    """The arrays of the whole city on their way to the disk. A context manager: ``write`` all tiles, ``finish``.

    folders : where the sources lie; pictures of textures are found from there.
    """

    def __init__(self, plan: Plan, writer: ArrayWriter, folders: Sequence[Path] = ()) -> None:
        self._plan, self._writer = plan, writer
        self._stack = ExitStack()
        self._out: dict[str, ArrayStream] = {}
        self._hashes: list[NDArray[np.uint64]] = []
        self.columns = _columns_of(plan)
        self._shells = any(city.face_shell is not None for city in plan.cities)
        looks = [city.appearance for city in plan.cities if city.appearance is not None]
        self.appearance: dict[str, Any] | None = None
        if looks:
            theme = next((look.theme for look in looks if look.theme), "")
            self.appearance = {"textures": places_of(plan.textures, folders), "theme": theme}

    def __enter__(self) -> Copy:
        for name, (dtype, tail, _, _) in GEOMETRY.items():
            self._open(name, dtype, tail)
        self._open("type_code", "<u2")
        self._open("parent", "<i4")
        self._open_texts("ids")
        for number, entry in enumerate(self.columns):
            if entry["numeric"]:
                self._open(f"column.{number}", "<f8")
            else:
                self._open_texts(f"column.{number}")
        if self.appearance is not None:
            self._open("look.uv", "<f4", (2,))
            self._open("look.face_texture", "<i4")
            self._open("look.face_material", "<i4")
        if self._shells:
            self._open(SHELLS, "<i4")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, tile: int, pieces: list[Piece]) -> None:
        """Write one tile. Raises OSError."""
        self._write_geometry(tile, pieces)
        self._write_objects(pieces)
        if self.appearance is not None:
            self._write_appearance(pieces)

    def finish(self) -> None:
        """All tiles are written. Raises OSError."""
        totals = {axis: start[-1:] for axis, start in self._plan.tiles.starts().items()}
        last = {"ring_start": totals["vertex"], "face_ring_start": totals["ring"]}
        for name, (_, _, axis, _) in GEOMETRY.items():
            self._out[name].finish(f"tile.{axis}", last.get(name))
        if self._shells:
            self._out[SHELLS].finish("tile.face")
        for name in ("type_code", "parent"):
            self._out[name].finish("tile.object")
        self._finish_texts("ids")
        for number, entry in enumerate(self.columns):
            if entry["numeric"]:
                self._out[f"column.{number}"].finish("tile.object")
            else:
                self._finish_texts(f"column.{number}")
        found = np.concatenate(self._hashes) if self._hashes else np.zeros(0, np.uint64)
        order = np.argsort(found, kind="stable").astype(np.int32)
        self._writer.put("ids.hash", found[order])
        self._writer.put("ids.row", order)
        if self.appearance is not None:
            self._out["look.uv"].finish("tile.vertex")
            self._out["look.face_texture"].finish("tile.face")
            self._out["look.face_material"].finish("tile.face")
            looks = [city.appearance for city in self._plan.cities if city.appearance is not None]
            self._writer.put("look.materials", np.concatenate([look.materials for look in looks]))

    def city(self, name: str) -> CityModel:
        """The whole city, its arrays mapped from where they were written."""

        def of(array: str) -> Any:
            return load(self._writer.folder / f"{array}.npy")

        attributes = {}
        for number, entry in enumerate(self.columns):
            key = f"column.{number}"
            values = of(key) if entry["numeric"] else as_array(PackedTexts(of(key), of(f"{key}.start")))
            attributes[entry["key"]] = Column(entry["name"], values)
        index = of("ids.hash"), of("ids.row")
        look = None
        if self.appearance is not None:
            arrays = {item: of(f"look.{item}") for item in ("uv", "face_texture", "face_material", "materials")}
            look = Appearance(**arrays, textures=self._plan.textures, theme=self.appearance["theme"])
        return CityModel(
            name=name,
            frame=self._plan.frame,
            objects=ObjectTable(
                ids=as_array(PackedTexts(of("ids"), of("ids.start"), index=index)),
                types=self._plan.types,
                type_code=of("type_code"),
                parent=of("parent"),
                attributes=attributes,
            ),
            lods=self._plan.lods,
            attribution=self._plan.attribution,
            tiles=self._plan.tiles,
            appearance=look,
            face_shell=of(SHELLS) if self._shells else None,
            **{array: of(array) for array in GEOMETRY},
        )

    # -- inside ------------------------------------------------------------------------------------

    def _open(self, name: str, dtype: str, tail: tuple[int, ...] = ()) -> None:
        stream = ArrayStream(self._writer, name, dtype, tail)
        self._stack.callback(stream.close)
        self._out[name] = stream

    def _open_texts(self, name: str) -> None:
        self._open(name, "|u1")
        self._open(f"{name}.start", "<i8")

    def _finish_texts(self, name: str) -> None:
        letters = self._out[name]
        self._writer.put(f"{name}.tile_start", letters.start)
        letters.finish(f"{name}.tile_start")
        self._out[f"{name}.start"].finish("tile.object", letters.start[-1:])

    def _write_geometry(self, tile: int, pieces: list[Piece]) -> None:
        out, tiles = self._out, self._plan.tiles
        positions = _each(pieces, _positions)
        if len(positions):
            tiles.low[tile], tiles.high[tile] = positions.min(axis=0), positions.max(axis=0)
        out["positions_local"].write(positions)
        for name, axis, into in (("ring_start", "ring", "vertex"), ("face_ring_start", "face", "ring")):
            sizes = []
            for piece in pieces:
                rows, start = piece.rows(axis), getattr(piece.part.city, name)
                sizes.append(start[rows + 1] - start[rows])
            size = np.concatenate(sizes).astype(np.int64)
            ends = int(tiles.starts()[into][tile]) + np.cumsum(size)
            out[name].write(ends - size, tiles.starts()[into][tile + 1 : tile + 2])
        out["face_surface"].write(_each(pieces, lambda p: p.part.city.face_surface[p.faces]))
        out["face_lod"].write(_each(pieces, lambda p: p.part.lods[p.part.city.face_lod[p.faces]]))
        if self._shells:
            out[SHELLS].write(_each(pieces, _shells))
        out["face_object"].write(_each(pieces, lambda p: p.part.city.face_object[p.faces] + p.moved("object", "face")))
        out["triangles"].write(
            _each(pieces, lambda p: p.part.city.triangles[p.rows("triangle")] + p.moved("vertex", "triangle")[:, None])
        )
        out["triangle_face"].write(
            _each(pieces, lambda p: p.part.city.triangle_face[p.rows("triangle")] + p.moved("face", "triangle"))
        )

    def _write_objects(self, pieces: list[Piece]) -> None:
        out = self._out
        out["type_code"].write(_each(pieces, lambda p: p.part.types[p.part.city.objects.type_code[p.objects]]))
        out["parent"].write(_each(pieces, _parents))
        named = [self._plan.names.of(p.part.number, p.part.ids, p.objects) for p in pieces]
        self._write_texts("ids", [texts for texts, _ in named])
        self._hashes += [found for _, found in named]
        for number, entry in enumerate(self.columns):
            name, key = f"column.{number}", entry["key"]
            if entry["numeric"]:
                out[name].write(np.concatenate([_numbers(piece, key) for piece in pieces]))
            else:
                self._write_texts(name, [_texts(piece, key) for piece in pieces])

    def _write_texts(self, name: str, pieces: list[PackedTexts]) -> None:
        letters, starts = self._out[name], self._out[f"{name}.start"]
        sizes = np.concatenate([np.diff(piece.packed[1]) for piece in pieces])
        ends = int(letters.start[-1]) + np.cumsum(sizes)
        letters.write(np.concatenate([piece.packed[0] for piece in pieces]))
        starts.write(ends - sizes, letters.start[-1:])

    def _write_appearance(self, pieces: list[Piece]) -> None:
        def uv(piece: Piece) -> Array:
            look = piece.part.city.appearance
            return np.full((len(piece.vertices), 2), np.nan, np.float32) if look is None else look.uv[piece.vertices]

        def texture(piece: Piece) -> Array:
            look = piece.part.city.appearance
            if look is None:
                return np.full(len(piece.faces), -1, np.int32)
            return piece.part.textures[look.face_texture[piece.faces]]  # -1 is the last entry

        def material(piece: Piece) -> Array:
            look = piece.part.city.appearance
            if look is None:
                return np.full(len(piece.faces), -1, np.int32)
            own = look.face_material[piece.faces]
            return np.where(own < 0, np.int32(-1), own + np.int32(piece.part.materials))

        self._out["look.uv"].write(_each(pieces, uv))
        self._out["look.face_texture"].write(_each(pieces, texture))
        self._out["look.face_material"].write(_each(pieces, material))


def _columns_of(plan: Plan) -> list[dict[str, Any]]:
    """Name and kind of every column; numbers stay numbers only if every city has numbers there."""
    found: dict[str, list[Column]] = {}
    for city in plan.cities:
        for key, column in city.objects.attributes.items():
            found.setdefault(key, []).append(column)
    return [
        {"key": key, "name": columns[0].name, "numeric": all(column.numeric for column in columns)}
        for key, columns in found.items()
    ]


def _numbers(piece: Piece, key: str) -> NDArray[np.generic]:
    """A column of numbers of some objects."""
    column = piece.part.city.objects.attributes.get(key)
    return np.full(len(piece.objects), np.nan) if column is None else column.values[piece.objects]


def _texts(piece: Piece, key: str) -> PackedTexts:
    """A column of texts of some objects, whatever it is in their city."""
    rows, column = piece.objects, piece.part.city.objects.attributes.get(key)
    if column is None:
        return PackedTexts(np.zeros(0, np.uint8), np.zeros(len(rows) + 1, np.int64))
    if column.numeric:
        return PackedTexts(*pack(as_text(Column(key, column.values[rows])).tolist()))
    return piece.part.texts[key].take(rows)


def _positions(piece: Piece) -> NDArray[np.float32]:
    part = piece.part
    own = part.city.positions_local[piece.vertices]
    return (own.astype(np.float64) + part.shift).astype(np.float32) if part.shift.any() else own


def _parents(piece: Piece) -> NDArray[np.int32]:
    own = piece.part.city.objects.parent[piece.objects]
    return np.where(own < 0, np.int32(-1), own + piece.moved("object", "object"))


def _shells(piece: Piece) -> NDArray[np.int32]:
    own = piece.part.city.face_shell
    return np.zeros(len(piece.faces), np.int32) if own is None else own[piece.faces]


def _each(pieces: list[Piece], made: Callable[[Piece], Array]) -> Array:
    return np.concatenate([made(piece) for piece in pieces])
