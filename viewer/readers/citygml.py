"""CityGML 1.0, 2.0 and 3.0, plain, ``.gz`` or ``.zip`` with several tiles -> one checked city.

Files are read as a stream, member by member. What elements mean stands in ``citygml_names``; objects are
gathered in ``citygml_objects``, faces in ``citygml_faces``, textures in ``citygml_appearance``; ``assemble`` does
the rest.
"""

from __future__ import annotations

import re
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel
from viewer.errors import ReadError
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers import archive, crs
from viewer.readers.assemble import assemble
from viewer.readers.citygml_appearance import AppearanceCollector, NamedFaces, Names, likely_dressed
from viewer.readers.citygml_arrays import FaceArrays
from viewer.readers.citygml_blocks import BlockReader, ElementReader
from viewer.readers.citygml_gather import MEMBER_NAMES, MEMBERS, Gatherer, TogetherError, own_namespaces
from viewer.readers.citygml_names import version_of
from viewer.readers.citygml_parts import part_jobs, parts_of
from viewer.readers.citygml_shortcut import InDoubtError
from viewer.readers.growing import GrowingFaces
from viewer.readers.json_parse import collector_off
from viewer.readers.pictures import PictureFinder
from viewer.readers.xml import MemberReader

Element = Any

_NAMESPACE = re.compile(rb"opengis\.net/citygml|citygml\.org/citygml")


def looks_like_citygml(head: bytes) -> bool:
    """Whether a file that begins like this is CityGML: XML that names one of its namespaces early on."""
    plain = head.replace(b"\0", b"") if b"\0" in head[:64] else head
    text = plain.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
    return text.startswith(b"<") and bool(_NAMESPACE.search(text))


def read_citygml(path: str | PathLike[str], context: ReadContext) -> CityModel:
    """Read a CityGML file, packed or not; several tiles in an archive become one city.

    Findings go to ``context``. LoD0 to LoD3 and the outer shell of LoD4 are read, rooms are not.

    Raises
    ------
    ReadError
        There is nothing that could be read. LimitError: the file asks for too much.
    """
    path = Path(path)
    tiles = archive.members(path, looks_like_citygml)
    if not tiles:
        raise ReadError("There is no CityGML file in this archive.", path=path)
    with collector_off():
        raw = _read_tiles(tiles, path, context).finish()
    return assemble(raw, context, path=path)


def _read_tiles(tiles: list[archive.Member], path: Path, context: ReadContext) -> _CityReader:
    """All tiles, with their textures where they have any; without, nothing is spent on them."""
    dressed = any(likely_dressed(tile) for tile in tiles)
    before = context.log.copy()
    ways = (_CityReader.read_in_parts, _CityReader.read_quickly, _CityReader.read_with_care)
    for way in () if dressed else ways:
        city = _CityReader(path, context, tiles)
        try:
            if not way(city):
                continue
        except TogetherError:
            context.log.reset(before)
            continue
        except InDoubtError:  # damaged or unusual: whatever is wrong with it is found element by element
            context.log.reset(before)
            city = _CityReader(path, context, tiles)
            city.read_with_care()
        if not city.dressed:
            return city
        context.log.reset(before)  # appearances where nobody would have looked: once more, with them
        break
    city = _CityReader(path, context, tiles, dressed=True)
    city.read_with_care()
    return city


class _CityReader:
    """Gathers all tiles of one city.

    dressed : whether appearances are to be read.
    """

    def __init__(self, path: Path, context: ReadContext, tiles: list[archive.Member], *, dressed: bool = False) -> None:
        self._path, self._context, self._tiles = path, context, tiles
        self._total, self._done = max(sum(tile.size for tile in tiles), 1), 0
        self._names = Names()
        self._appearance = AppearanceCollector() if dressed else None
        self._gatherer = Gatherer(NamedFaces(self._names) if dressed else None)
        self._objects = self._gatherer.objects
        self._settler = self._gatherer.settler
        self._faces = GrowingFaces()
        self._srs = ""

    @property
    def dressed(self) -> bool:
        """Whether there are appearances, read or not."""
        return self._gatherer.dressed

    # -- reading -----------------------------------------------------------------------------------------------

    def read_in_parts(self) -> bool:
        """Read on all cores; False, and nothing is read, where that would not pay.

        Raises
        ------
        InDoubtError
            The files have to be read with care. TogetherError: they have to be read on one core.
        """
        jobs = part_jobs(self._path, self._tiles)
        if not jobs:
            return False
        for size, part in parts_of(jobs, self._report):
            terrains = len(self._objects.reliefs.pieces)
            self._gatherer.absorb(part, self._take)
            self._srs = self._srs or self._gatherer.srs
            self._bring_terrain_home(terrains)
            self._done += size
        return True

    def read_quickly(self) -> bool:
        """Read most of the text without looking at each element.

        Raises
        ------
        InDoubtError
            The files have to be read with care.
        """
        for tile in self._tiles:
            with tile.open() as stream:
                self._read(tile, BlockReader(stream, MEMBER_NAMES, self._report))
        return True

    def read_with_care(self) -> bool:
        """Read each tile element by element to its end, or to where it is damaged."""
        for tile in self._tiles:
            if self._appearance is not None:
                self._appearance.begin(PictureFinder(self._path, tile))
            with tile.open() as stream:
                self._read(tile, ElementReader(stream, MEMBERS, self._path, self._report))
        return True

    def _read(self, tile: archive.Member, reader: BlockReader | ElementReader) -> None:
        before, terrains = len(self._objects.ids), len(self._objects.reliefs.pieces)
        self._gatherer.read(reader, self._take, self._appearance.add if self._appearance is not None else None)
        self._srs = self._srs or self._gatherer.srs
        self._bring_terrain_home(terrains)
        self._done += tile.size
        self._judge_end(reader, tile, len(self._objects.ids) - before)

    def _report(self, count: int) -> None:
        self._context.progress.report(0.68 * (self._done + count) / self._total, "Reading the city")

    def _judge_end(self, reader: ElementReader | BlockReader, tile: archive.Member, count: int) -> None:
        several = len(self._tiles) > 1
        if reader.complete:
            if count == 0 and not several and version_of(own_namespaces(reader.root)) == "":
                raise ReadError("This is not a CityGML file.", path=self._path)
            return
        if count == 0 and not several:
            if reader.root is None and not reader.line:
                raise ReadError("The file is empty or damaged; nothing in it could be read.", path=self._path)
            raise ReadError(
                "The file is damaged in line {line}; nothing in it could be read.", path=self._path, line=reader.line
            )
        self._context.warn(
            "The file {name} is cut off or damaged in line {line}; the {objects} objects before that are shown.",
            where=f"line {reader.line}" if reader.line else (),
            name=tile.name,
            line=reader.line or "?",
            objects=count,
        )

    def _take(self, arrays: FaceArrays, dropped: list[int]) -> None:
        """Keep faces; ``dropped`` are the owners of those that stood twice."""
        if dropped:
            owners = list(dict.fromkeys(dropped))[:20]
            self._context.info(
                "Faces that a solid repeats from the roofs, walls and floors of its building, used once: {count}",
                where=tuple(self._objects.ids[owner] for owner in owners),
                count=len(dropped),
            )
        self._srs = self._srs or self._gatherer.srs
        if self._gatherer.srs != self._srs and self._gatherer.srs:
            arrays.points = self._brought_home(arrays.points)
        self._faces.append(arrays)

    def _bring_terrain_home(self, first: int) -> None:
        """Transform the points of terrain since piece ``first`` like everything else in their tile."""
        if self._gatherer.srs != self._srs and self._gatherer.srs:
            for piece in self._objects.reliefs.pieces[first:]:
                piece.points = self._brought_home(piece.points)

    def _brought_home(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 3) of a tile in another system in the one of the first tile."""
        here, home = crs.parse_crs(self._gatherer.srs), crs.parse_crs(self._srs)
        if not (here.known and home.known) or here.horizontal == home.horizontal:
            return points
        if crs.axis_order(points, here).north_first:
            points[:, [0, 1]] = points[:, [1, 0]]
        points = crs.transform(points, here.horizontal, home.horizontal)
        self._context.info(
            "Parts in {crs_from} were brought into {crs_to}.", crs_from=here.horizontal, crs_to=home.horizontal
        )
        return points

    def _report_terrain(self) -> None:
        self._context.progress.report(0.68, "Triangulating")

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self) -> RawCity:
        """Everything read, as one raw city."""
        objects = self._objects
        self._settle_the_rest()
        system, reliefs = crs.parse_crs(self._srs), objects.reliefs
        sample = self._faces.first_points()
        north_first = crs.axis_order(sample if len(sample) else reliefs.sample, system).north_first
        placed, missing = objects.implicit.place(system.geographic, north_first)
        for arrays in chain(placed, reliefs.place(north_first, objects.faces.adopt, self._report_terrain)):
            self._faces.append(arrays)
        self._note_what_was_left_out(missing)
        numbers = self._faces.numbers()
        raw = self._faces.finish()
        if self._appearance is not None:
            raw.appearance = self._appearance.finish(
                self._names, numbers, raw.ring_face, raw.ring_start.astype(np.int64), raw.points_crs, self._context,
                north_first=north_first,
            )  # fmt: skip
        raw.lods = objects.lods or [""]
        raw.object_ids, raw.object_types = objects.ids, objects.types
        raw.object_parent = np.array(objects.parents, dtype=np.int32)
        raw.attributes = {
            name: (np.array(where, dtype=np.int32), list[object](texts))
            for name, (where, texts) in objects.attributes.items()
        }
        raw.crs, raw.format, raw.version = self._srs, "CityGML", self._gatherer.version
        raw.name = re.sub(r"\.(citygml|gml|xml|zip|gz)$", "", re.sub(r"\.(gz|zip)$", "", self._path.name, flags=re.I))
        return raw

    def _settle_the_rest(self) -> None:
        """Look through the tiles again for surfaces that objects elsewhere in the file refer to."""
        if self._settler.pending:
            for tile in self._tiles:
                with tile.open() as stream:
                    for member in MemberReader(stream, MEMBERS, self._path):
                        self._settler.settle_from(member)
            self._gatherer.srs = ""
            self._gatherer.flush(self._take)
        lost = self._settler.pending
        if lost:
            self._context.warn(
                "Surfaces that are referred to but missing in the file: {count}",
                where=tuple(dict.fromkeys(self._objects.ids[reference.owner] for reference in lost))[:20],
                count=len(lost),
            )

    def _note_what_was_left_out(self, missing: list[int]) -> None:
        objects, context = self._objects, self._context
        context.info(
            "Rooms and other things inside, left out: {count}",
            where=tuple(objects.interiors),
            count=objects.interior_count,
        )
        context.info("Lines and points, left out: {count}", count=objects.faces.lines)
        context.info(
            "Inner shells of solids (hollows) are not drawn ({count}).",
            where=tuple(objects.ids[owner] for owner in dict.fromkeys(objects.faces.hollows[:1000]))[:20],
            count=len(objects.faces.hollows),
        )
        context.warn(
            "Geometries that could not be understood were left out ({count}).",
            where=tuple(objects.ids[owner] for owner in dict.fromkeys(objects.faces.empty[:1000]))[:20],
            count=len(objects.faces.empty),
        )
        context.info("Outlines without heights, put at height 0: {count}", count=objects.faces.flat_rings)
        context.warn("Shapes that lie in another file, left out: {count}", count=objects.implicit.external)
        context.warn(
            "Placed shapes that are missing in the file: {count}",
            where=tuple(objects.ids[owner] for owner in dict.fromkeys(missing))[:20],
            count=len(missing),
        )
        objects.reliefs.tell(objects.ids, context)
        for sentence, count in objects.left_out.items():
            context.warn(sentence, count=count)
